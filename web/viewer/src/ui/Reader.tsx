// The reader in the shell: sign in, who is signed in, what is open to them, and
// the chip that stays while personal data is shown.

import { useState } from "preact/hooks";
import { kindOf } from "../api/client";
import { nameOf } from "../api/me";
import { t, words } from "../i18n";
import { hasRight, me, setPurpose, signedIn, signOut } from "../state/me";
import { update } from "../state/store";
import { announce } from "../state/toasts";
import type { PageName } from "../state/url";
import { Icon, type IconName } from "./icons";
import { MenuBox } from "./MenuBox";

const administration: readonly (readonly [right: string, page: PageName])[] = [
	["accounts", "accounts"],
	["policy", "policy"],
	["audit", "audit"],
];

/** The pages that the reader's rights open, in their order. */
export function adminPages(): readonly PageName[] {
	return administration.flatMap(([right, page]) =>
		!hasRight(right) ? [] : page === "accounts" ? (["accounts", "tokens"] as const) : [page],
	);
}

export function openPage(name: PageName, item = ""): void {
	update({ page: { name, item } });
}

/** What a menu offers about the reader: one entry to sign in, or all that is theirs. */
export function ReaderItems(props: { close: () => void }) {
	const entry = (icon: IconName, label: string, act: () => void) => (
		<li>
			<button
				type="button"
				onClick={() => {
					props.close();
					act();
				}}
			>
				<Icon name={icon} />
				{label}
			</button>
		</li>
	);
	if (!me.value) return null;
	if (!signedIn.value) return entry("person", t("me.signIn"), () => openPage("signin"));
	const admin = adminPages()[0];
	return (
		<>
			{entry("person", t("me.account"), () => openPage("account"))}
			{me.value.kind === "citizen" && entry("eye", t("me.readers"), () => openPage("readers"))}
			{admin && entry("key", t("me.admin"), () => openPage(admin))}
			{entry("leave", t("me.signOut"), () => void leave())}
		</>
	);
}

async function leave(): Promise<void> {
	try {
		await signOut();
		announce({ kind: "signedOut" });
	} catch (e) {
		announce({ kind: "failed", reason: kindOf(e) });
	}
}

/** Top right on a desk: "Sign in", or the reader's name with a menu. */
export function ReaderButton() {
	const m = me.value;
	if (!m) return null;
	if (!signedIn.value) {
		return (
			<button type="button" class="reader-button card" onClick={() => openPage("signin")}>
				<Icon name="person" size={20} />
				{t("me.signIn")}
			</button>
		);
	}
	return (
		<MenuBox
			class="reader-menu"
			button={(open, toggle) => (
				<button
					type="button"
					class="reader-button card"
					aria-expanded={open}
					aria-label={t("me.menu", { name: nameOf(m) })}
					onClick={toggle}
				>
					<Icon name="person" size={20} />
					<span class="reader-name">{nameOf(m)}</span>
				</button>
			)}
		>
			{(close) => (
				<>
					<p class="reader-who">
						<b>{nameOf(m)}</b>
						{m.department && <small>{m.department}</small>}
					</p>
					<ul>
						<ReaderItems close={close} />
					</ul>
				</>
			)}
		</MenuBox>
	);
}

/** Says that personal data is on the screen, for what, and ends it. */
export function PurposeChip() {
	const [busy, setBusy] = useState(false);
	const m = me.value;
	if (!m?.purpose) return null;
	const title = words(m.purposes.find((p) => p.id === m.purpose)?.title, m.purpose);
	const stop = async () => {
		setBusy(true);
		try {
			await setPurpose("");
		} catch (e) {
			announce({ kind: "failed", reason: kindOf(e) });
		} finally {
			setBusy(false);
		}
	};
	return (
		<div class="purpose-chip card" role="status">
			<Icon name="eye" size={20} />
			<span>{t("purpose.on", { purpose: title })}</span>
			<button type="button" class="button" disabled={busy} onClick={() => void stop()}>
				{t("purpose.stop")}
			</button>
		</div>
	);
}
