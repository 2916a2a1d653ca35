import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { me, signedIn } from "../state/me";
import { update, view } from "../state/store";
import type { PageName } from "../state/url";
import { Icon, type IconName } from "../ui/icons";
import { IconButton, Skeleton } from "../ui/parts";
import { adminPages } from "../ui/Reader";
import { closePage, Dialog } from "./Dialog";
import { say } from "./words";

export const pageTitles = {
	signin: () => t("me.signIn"),
	account: () => t("me.account"),
	readers: () => t("me.readers"),
	accounts: () => say("accounts.title"),
	tokens: () => say("tokens.title"),
	policy: () => say("policy.title"),
	audit: () => say("audit.title"),
} satisfies Record<PageName, () => string>;

const icons: Readonly<Record<PageName, IconName>> = {
	signin: "person",
	account: "person",
	readers: "eye",
	accounts: "people",
	tokens: "key",
	policy: "shield",
	audit: "list",
};

/** The pages between which the reader may go. */
function reachable(): readonly PageName[] {
	return ["account", ...(me.value?.kind === "citizen" ? (["readers"] as const) : []), ...adminPages()];
}

/** A large page over the map, with the other pages beside it. */
export function Frame(props: { children: ComponentChildren }) {
	const page = view.value.page;
	const heading = useRef<HTMLHeadingElement>(null);
	const nav = useRef<HTMLElement>(null);
	const name = page?.name ?? "account";
	// A page that is turned to starts at its heading, for eyes and for ears.
	useEffect(() => {
		heading.current?.focus({ preventScroll: true });
		nav.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
	}, [name]);
	const known = me.value !== null;
	const pages = reachable();
	// Who is not signed in (a link, a session that ended) is asked to be.
	useEffect(() => {
		if (known && !signedIn.value) update({ page: { name: "signin", item: "" } }, false);
	}, [known, signedIn.value]);
	return (
		<Dialog class="large" label={pageTitles[name]()}>
			<nav ref={nav} class="page-nav" aria-label={say("pages")}>
				{pages.length > 1 &&
					pages.map((p) => (
						<button
							type="button"
							key={p}
							aria-current={p === name ? "page" : undefined}
							onClick={() => update({ page: { name: p, item: "" } })}
						>
							<Icon name={icons[p]} size={20} />
							{pageTitles[p]()}
						</button>
					))}
			</nav>
			<div class="page-main">
				<header class="panel-header">
					<h2 ref={heading} tabIndex={-1}>
						{pageTitles[name]()}
					</h2>
					<IconButton icon="close" label={t("card.close")} onClick={closePage} />
				</header>
				<div class="page-body">
					{!known ? <Skeleton lines={6} /> : pages.includes(name) ? props.children : <p>{t("error.forbidden")}</p>}
				</div>
			</div>
		</Dialog>
	);
}
