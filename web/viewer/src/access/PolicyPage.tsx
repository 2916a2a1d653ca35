import { useEffect, useRef, useState } from "preact/hooks";
import {
	type Account,
	type Grant,
	getAccounts,
	getPolicy,
	getPolicyVersions,
	type Policy,
	type PolicyVersion,
	putPolicy,
	type Role,
} from "../api/access";
import type { Tagged } from "../api/client";
import { words } from "../i18n";
import { checkReader, hasRight, viewChanged } from "../state/me";
import { update, view } from "../state/store";
import { announce } from "../state/toasts";
import { Problem, Segments, useAction } from "./form";
import { placeOf } from "./json-place";
import { Loaded, useLoaded } from "./load";
import { className, collectionName, count, fieldTitles, list, rightTitle, timeText } from "./names";
import { say } from "./words";

type Part = "table" | "edit" | "versions";

/** Who may see and change what: to read, to edit, and as it was. */
export function PolicyPage() {
	const [state, again] = useLoaded(getPolicy);
	const item = view.value.page?.item;
	const part: Part = item === "edit" || item === "versions" ? item : "table";
	const [draft, setDraft] = useState<string | null>(null);
	const turn = (p: Part) => update({ page: { name: "policy", item: p === "table" ? "" : p } });
	return (
		<>
			<Segments
				label={say("policy.title")}
				options={[
					["table", say("policy.table")],
					["edit", say("policy.edit")],
					["versions", say("policy.versions")],
				]}
				value={part}
				onChange={turn}
			/>
			<Loaded state={state} again={again}>
				{(policy) =>
					part === "edit" ? (
						<Editor policy={policy} draft={draft} onDraft={setDraft} onSaved={again} />
					) : part === "versions" ? (
						<Versions
							current={policy.value.version}
							onTake={(p) => {
								setDraft(textOf(p));
								turn("edit");
							}}
						/>
					) : (
						<Table policy={policy.value} />
					)
				}
			</Loaded>
		</>
	);
}

function textOf(p: Policy): string {
	return JSON.stringify(p, null, 2);
}

function Table(props: { policy: Policy }) {
	const { roles, purposes, min_group, retention } = props.policy;
	return (
		<>
			<p class="muted">{say("policy.version", { n: props.policy.version })}</p>
			{Object.entries(roles).map(([name, role]) => (
				<RoleTable key={name} name={name} role={role} />
			))}
			<section class="page-section">
				<h3>{say("policy.purposes")}</h3>
				<p>{purposes.length > 0 ? list(purposes.map((p) => words(p.title, p.id))) : say("policy.noPurposes")}</p>
				<p class="muted">{say("policy.minGroup", { n: count(min_group) })}</p>
			</section>
			{retention && retention.length > 0 && (
				<section class="page-section">
					<h3>{say("policy.retention")}</h3>
					<ul class="plain">
						{retention.map((r) => (
							<li key={JSON.stringify(r)}>
								{say(r.erase?.length ? "policy.erase" : "policy.end", {
									what: list(r.collections.map(collectionName)),
									fields: fieldTitles(r.collections[0] ?? "", r.erase ?? []),
									days: count(r.days),
									since: r.since,
								})}
							</li>
						))}
					</ul>
				</section>
			)}
		</>
	);
}

function RoleTable(props: { name: string; role: Role }) {
	const { name, role } = props;
	const grants = role.grants ?? [];
	return (
		<section class="page-section">
			<h3>
				{words(role.title, name)} <code>{name}</code>
			</h3>
			{grants.length > 0 && (
				<div class="table-box">
					<table>
						<thead>
							<tr>
								<th scope="col">{say("policy.collections")}</th>
								<th scope="col">{say("policy.sees")}</th>
								<th scope="col">{say("policy.rows")}</th>
								<th scope="col">{say("policy.writes")}</th>
							</tr>
						</thead>
						<tbody>
							{grants.map((g) => (
								<tr key={JSON.stringify(g)}>
									<td>{list(g.collections.map(collectionName))}</td>
									<td>
										{className(g.class)}
										{extraFields(g)}
									</td>
									<td>{rowsOf(g)}</td>
									<td>{g.write ? say("yes") : say("no")}</td>
								</tr>
							))}
						</tbody>
					</table>
				</div>
			)}
			{grants.length === 0 && <p class="muted">{say("policy.noGrants")}</p>}
			{role.rights && role.rights.length > 0 && <p>{say("policy.rights", { rights: list(role.rights.map(rightTitle)) })}</p>}
		</section>
	);
}

function extraFields(g: Grant) {
	const first = g.collections[0] ?? "";
	return (
		<>
			{g.fields?.length ? <small> {say("policy.also", { fields: fieldTitles(first, g.fields) })}</small> : null}
			{g.hide?.length ? <small> {say("policy.butNot", { fields: fieldTitles(first, g.hide) })}</small> : null}
		</>
	);
}

function rowsOf(g: Grant) {
	const parts = [g.own && say("policy.own"), g.area && say("policy.area")].filter((p) => typeof p === "string");
	return (
		<>
			{parts.length > 0 ? parts.join("; ") : !g.rows && say("policy.allRows")}
			{g.rows && <code class="rule">{g.rows}</code>}
		</>
	);
}

function Editor(props: {
	policy: Tagged<Policy>;
	draft: string | null;
	onDraft: (text: string | null) => void;
	onSaved: () => void;
}) {
	const { policy, draft, onDraft } = props;
	const text = draft ?? textOf(policy.value);
	const area = useRef<HTMLTextAreaElement>(null);
	const [unreadable, setUnreadable] = useState("");
	const action = useAction();
	const refused = action.error?.problem.errors ?? [];
	const first = refused[0]?.path ?? "";
	// What was refused is marked in the text, and scrolled to.
	useEffect(() => {
		const place = first ? placeOf(text, first) : null;
		if (place) mark(area.current, place.start, place.end);
	}, [action.error]);
	const save = async () => {
		let body: unknown;
		try {
			body = JSON.parse(text);
			setUnreadable("");
		} catch (e) {
			setUnreadable(e instanceof Error ? e.message : String(e));
			const at = /position (\d+)/.exec(String(e))?.[1];
			if (at) mark(area.current, Number(at), Number(at) + 1);
			return;
		}
		if (!(await action.run(() => putPolicy(body, policy.etag)))) return;
		onDraft(null);
		announce({ kind: "saved" });
		props.onSaved();
		await checkReader();
		viewChanged();
	};
	return (
		<form
			onSubmit={(e) => {
				e.preventDefault();
				void save();
			}}
		>
			<p class="muted">{say("policy.editNote")}</p>
			<textarea
				ref={area}
				class="code"
				rows={22}
				spellcheck={false}
				aria-label={say("policy.edit")}
				aria-invalid={refused.length > 0 || unreadable !== "" || undefined}
				value={text}
				onInput={(e) => onDraft(e.currentTarget.value)}
			/>
			{unreadable && (
				<Problem error={null}>
					{say("policy.notJSON")} <code>{unreadable}</code>
				</Problem>
			)}
			<Problem error={action.error}>
				{action.error?.kind === "changed" ? say("policy.changed") : refused.length > 0 ? say("policy.refused") : ""}
			</Problem>
			{refused.length > 0 && (
				<ul class="plain">
					{refused.map((r) => (
						<li key={r.path + r.reason}>
							<code>{r.path}</code> {r.reason}
						</li>
					))}
				</ul>
			)}
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy || draft === null}>
					{say("policy.save")}
				</button>
				<button
					type="button"
					class="button"
					disabled={draft === null}
					onClick={() => {
						onDraft(null);
						setUnreadable("");
						action.clear();
						props.onSaved();
					}}
				>
					{say("policy.discard")}
				</button>
			</div>
		</form>
	);
}

/** Selects a part of the text and brings it into sight. */
function mark(area: HTMLTextAreaElement | null, start: number, end: number): void {
	if (!area) return;
	area.focus();
	area.setSelectionRange(start, end);
	const lines = area.value.split("\n").length;
	const before = area.value.slice(0, start).split("\n").length;
	area.scrollTop = (area.scrollHeight * before) / lines - area.clientHeight / 2;
}

function Versions(props: { current: number; onTake: (p: Policy) => void }) {
	const [state, again] = useLoaded(async () => {
		// Names are for those who manage accounts; the others see ids.
		const [versions, accounts] = await Promise.all([getPolicyVersions(), hasRight("accounts") ? getAccounts() : []]);
		return { versions, accounts };
	});
	return (
		<Loaded state={state} again={again}>
			{({ versions, accounts }) => (
				<ul class="rows">
					{[...versions]
						.sort((a, b) => b.version - a.version)
						.map((v) => (
							<li key={v.version}>
								<span class="result-text">
									<b>
										{say("policy.version", { n: v.version })}
										{v.version === props.current && <span class="tag">{say("policy.inForce")}</span>}
									</b>
									<small>{authorOf(v, accounts)}</small>
								</span>
								{v.policy && v.version !== props.current && (
									<button type="button" class="button" onClick={() => v.policy && props.onTake(v.policy)}>
										{say("policy.take")}
									</button>
								)}
							</li>
						))}
				</ul>
			)}
		</Loaded>
	);
}

function authorOf(v: PolicyVersion, accounts: readonly Account[]): string {
	const by = accounts.find((a) => a.id === v.author);
	return [timeText(v.written), by ? by.title || by.name : v.author].filter(Boolean).join(" · ") || say("policy.first");
}
