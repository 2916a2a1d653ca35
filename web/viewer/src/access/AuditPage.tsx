import { useState } from "preact/hooks";
import { type Actor, type AuditFilter, type Entry, getAudit, type Paged, type Verification, verifyAudit } from "../api/access";
import { phone, update, view } from "../state/store";
import { copy } from "../state/toasts";
import { Icon } from "../ui/icons";
import { Empty, IconButton } from "../ui/parts";
import { BreachReport } from "./BreachReport";
import { CollectionField, Problem, Segments, SelectField, TextField, useAction } from "./form";
import { Loaded, useLoaded } from "./load";
import { actionTitle, collectionName, count, fieldTitles, kindTitle, list, purposeTitle, roleTitle, timeText } from "./names";
import { say } from "./words";

/** Who read or changed what: to search, to verify, and as a report after a breach. */
export function AuditPage() {
	const item = view.value.page?.item ?? "";
	const breach = item === "breach";
	return (
		<>
			<Segments
				label={say("audit.title")}
				options={[
					["log", say("audit.log")],
					["breach", say("audit.breach")],
				]}
				value={breach ? "breach" : "log"}
				onChange={(part) => update({ page: { name: "audit", item: part === "breach" ? "breach" : "" } })}
			/>
			{breach ? <BreachReport /> : <Log item={item} />}
		</>
	);
}

const filterNames = ["from", "to", "who", "collection", "id", "action"] as const;

/** What can be asked for; each stands also for those that begin with it and a dash. */
const actions = [
	"read",
	"read-export",
	"write",
	"delete",
	"erase",
	"retain",
	"define",
	"sign-in",
	"sign-in-failed",
	"purpose",
	"account",
	"token",
	"policy",
	"audit",
];

/** The address holds the filter, so that a link opens what its sender looked at. */
export function filterOf(item: string): AuditFilter {
	const q = new URLSearchParams(item);
	return Object.fromEntries(filterNames.flatMap((n) => (q.get(n) ? [[n, q.get(n) ?? ""]] : [])));
}

export function itemOf(filter: AuditFilter): string {
	return new URLSearchParams(filterNames.flatMap((n) => (filter[n] ? [[n, filter[n]]] : []))).toString();
}

/** A day or minute in the reader's own clock as the moment that the server knows. */
export function moment(local: string): string {
	const d = local ? new Date(local) : null;
	return d && !Number.isNaN(d.getTime()) ? d.toISOString() : "";
}

function Log(props: { item: string }) {
	const filter = filterOf(props.item);
	const [draft, setDraft] = useState(filter);
	const asked = { ...filter, from: moment(filter.from ?? ""), to: moment(filter.to ?? "") };
	const [state, again] = useLoaded(() => getAudit(asked), props.item);
	const field = (name: (typeof filterNames)[number], label: string, type: "text" | "datetime-local" = "text") => (
		<TextField label={label} type={type} value={draft[name] ?? ""} onInput={(v) => setDraft({ ...draft, [name]: v })} />
	);
	return (
		<>
			<Verify />
			<details class="filters" open={!phone.value || props.item !== ""}>
				<summary>{say("audit.filter")}</summary>
				<form
					class="filter"
					onSubmit={(e) => {
						e.preventDefault();
						if (itemOf(draft) === props.item) again();
						else update({ page: { name: "audit", item: itemOf(draft) } });
					}}
				>
					{field("from", say("audit.from"), "datetime-local")}
					{field("to", say("audit.to"), "datetime-local")}
					{field("who", say("audit.who"))}
					<CollectionField value={draft.collection ?? ""} onInput={(collection) => setDraft({ ...draft, collection })} />
					<TextField
						label={say("audit.id")}
						value={draft.id ?? ""}
						onInput={(id) => setDraft({ ...draft, id })}
						disabled={!draft.collection}
					/>
					<SelectField
						label={say("audit.action")}
						value={draft.action ?? ""}
						options={[["", say("audit.all")], ...actions.map((a) => [a, actionTitle(a)] as const)]}
						onChange={(action) => setDraft({ ...draft, action })}
					/>
					<button type="submit" class="button primary">
						{say("audit.show")}
					</button>
				</form>
			</details>
			<Loaded state={state} again={again}>
				{(first) => <Entries key={props.item} first={first} filter={asked} />}
			</Loaded>
		</>
	);
}

function Verify() {
	const [result, setResult] = useState<Verification | null>(null);
	const action = useAction();
	return (
		<div class="page-tools">
			<div role="status">
				{result?.whole && (
					<>
						<p class="good">{say("audit.whole", { n: count(result.entries) })}</p>
						{result.print && (
							<p class="muted">
								{say("audit.keep")} <code>{result.print}</code>
								<IconButton class="small" icon="copy" label={say("copy")} onClick={() => void copy(result.print ?? "")} />
							</p>
						)}
					</>
				)}
				{result && !result.whole && (
					<p class="bad">
						{say("audit.broken", { n: count(result.broken?.seq ?? 0) })} {result.broken?.reason}
					</p>
				)}
				{!result && !action.error && <p class="muted">{say("audit.intro")}</p>}
				<Problem error={action.error} />
			</div>
			<button
				type="button"
				class="button"
				disabled={action.busy}
				onClick={() => void action.run(async () => setResult(await verifyAudit()))}
			>
				<Icon name="shield" size={20} />
				{say("audit.verify")}
			</button>
		</div>
	);
}

function Entries(props: { first: Paged<Entry>; filter: AuditFilter }) {
	const [pages, setPages] = useState<readonly Paged<Entry>[]>([props.first]);
	const action = useAction();
	const entries = pages.flatMap((p) => p.items);
	const next = pages.at(-1)?.next ?? "";
	if (entries.length === 0) {
		return (
			<Empty>
				<Icon name="list" size={28} />
				<p>{say("audit.none")}</p>
			</Empty>
		);
	}
	return (
		<>
			<div class="table-box">
				<table class="audit">
					<thead>
						<tr>
							<th scope="col">{say("audit.time")}</th>
							<th scope="col">{say("audit.who")}</th>
							<th scope="col">{say("audit.action")}</th>
							<th scope="col">{say("audit.what")}</th>
						</tr>
					</thead>
					<tbody>
						{entries.map((e) => (
							<tr key={e.seq}>
								<td>
									<time dateTime={e.time}>{timeText(e.time)}</time>
									<small>{say("audit.number", { n: count(e.seq) })}</small>
								</td>
								<td>
									{actorName(e.who)}
									<small>{actorDetails(e.who)}</small>
								</td>
								<td>
									{actionTitle(e.action)}
									{e.who.purpose && <small>{purposeTitle(e.who.purpose)}</small>}
								</td>
								<td>
									{e.collection && collectionName(e.collection)}
									<small>{whatOf(e)}</small>
								</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
			<Problem error={action.error} />
			{next && (
				<button
					type="button"
					class="button wide"
					disabled={action.busy}
					onClick={() => void action.run(async () => setPages([...pages, await getAudit(props.filter, next)]))}
				>
					{say("more")}
				</button>
			)}
		</>
	);
}

/** Who it was, as a name or as the kind of caller. */
export function actorName(a: Actor): string {
	return a.name || a.account || (a.kind === "anonymous" ? say("audit.nobody") : kindTitle(a.kind));
}

function actorDetails(a: Actor): string {
	const roles = (a.roles ?? []).filter((r) => r !== "public");
	return [list(roles.map(roleTitle)), a.department, a.address].filter(Boolean).join(" · ");
}

/** How many ids are written out. */
const shownIds = 5;

function whatOf(e: Entry): string {
	const ids = e.ids ?? [];
	const some = ids.slice(0, shownIds).join(", ") + (ids.length > shownIds ? ", …" : "");
	const n = e.count ?? ids.length;
	return [
		n > 0 && say("audit.features", { n: count(n) }),
		some,
		e.fields?.length ? fieldTitles(e.collection ?? "", e.fields) : "",
		e.detail,
	]
		.filter(Boolean)
		.join(" · ");
}
