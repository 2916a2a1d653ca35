import type { ComponentChildren } from "preact";
import type { ApiErrorKind } from "../api/client";
import { type Key, t } from "../i18n";
import { me } from "../state/me";
import { refetch } from "../state/selection";
import { update } from "../state/store";
import { Icon, type IconName } from "./icons";
import type { OpenText } from "./text";

/** A round or square button with an icon and a name for those who cannot see it. */
export function IconButton(props: {
	icon: IconName;
	label: string;
	onClick: () => void;
	pressed?: boolean;
	expanded?: boolean;
	class?: string;
	disabled?: boolean;
}) {
	return (
		<button
			type="button"
			class={`icon-button ${props.class ?? ""}`}
			aria-label={props.label}
			title={props.label}
			aria-pressed={props.pressed}
			aria-expanded={props.expanded}
			disabled={props.disabled}
			onClick={props.onClick}
		>
			<Icon name={props.icon} />
		</button>
	);
}

export function Skeleton(props: { lines?: number }) {
	return (
		<div class="skeleton" role="status" aria-label={t("state.loading")}>
			{Array.from({ length: props.lines ?? 4 }, (_, i) => (
				<span key={i} style={{ width: `${[92, 64, 80, 48, 72][i % 5]}%` }} />
			))}
		</div>
	);
}

/** What went wrong, in plain words. */
export const reasons: Readonly<Record<ApiErrorKind, Key>> = {
	offline: "error.offline",
	notFound: "error.notFound",
	forbidden: "error.forbidden",
	changed: "error.changed",
	tooMany: "error.tooMany",
	badRequest: "error.badRequest",
	server: "error.server",
};

/** What went wrong and what to do next. */
export function Failure(props: { kind: ApiErrorKind; retry?: () => void }) {
	const retry = props.retry ?? (() => refetch.value++);
	return (
		<div class="state" role="alert">
			<Icon name={props.kind === "offline" ? "cloudOff" : "alert"} size={28} />
			<p>{t(reasons[props.kind])}</p>
			{props.kind !== "forbidden" && props.kind !== "notFound" ? (
				<button type="button" class="button" onClick={retry}>
					{t("state.retry")}
				</button>
			) : (
				// What is not public and what never was look the same from outside.
				me.value?.kind === "anonymous" && (
					<button type="button" class="button" onClick={() => update({ page: { name: "signin", item: "" } })}>
						{t("me.signIn")}
					</button>
				)
			)}
		</div>
	);
}

export function Empty(props: { children: ComponentChildren }) {
	return <div class="state">{props.children}</div>;
}

/** Open, closed or unknown: a word and a mark, never a colour alone. */
export function OpenBadge(props: { open: OpenText }) {
	return (
		<span class={`open open-${props.open.state}`}>
			<span class="open-mark" aria-hidden="true" />
			{props.open.text}
		</span>
	);
}
