import { useState } from "preact/hooks";
import { createToken, getTokens, type NewToken, revokeToken, type Token } from "../api/access";
import { me } from "../state/me";
import { collections, update, view } from "../state/store";
import { Icon } from "../ui/icons";
import { Empty } from "../ui/parts";
import { Choices, Problem, Secret, SelectField, SureButton, TextField, useAction } from "./form";
import { Loaded, useLoaded } from "./load";
import { collectionName, list, purposeTitle, roleTitle, timeText } from "./names";
import { ScopeFields } from "./Scope";
import { say } from "./words";

/** Keys for devices, departments and agencies. */
export function TokensPage() {
	const [state, again] = useLoaded(getTokens);
	const [made, setMade] = useState<Token | null>(null);
	const item = view.value.page?.item ?? "";
	if (item === "new") {
		return (
			<TokenForm
				onMade={(token) => {
					setMade(token);
					update({ page: { name: "tokens", item: "" } }, false);
					again();
				}}
			/>
		);
	}
	return (
		<>
			{made?.secret && (
				<Secret label={say("tokens.secret", { title: made.title })} value={made.secret} note={say("tokens.once")} />
			)}
			<div class="page-tools">
				<p>{say("tokens.intro")}</p>
				<button type="button" class="button primary" onClick={() => update({ page: { name: "tokens", item: "new" } })}>
					{say("tokens.new")}
				</button>
			</div>
			<Loaded state={state} again={again}>
				{(tokens) =>
					tokens.length === 0 ? (
						<Empty>
							<Icon name="key" size={28} />
							<p>{say("tokens.none")}</p>
						</Empty>
					) : (
						<ul class="rows">
							{tokens.map((token) => (
								<TokenRow key={token.id} token={token} onRevoked={again} />
							))}
						</ul>
					)
				}
			</Loaded>
		</>
	);
}

function TokenRow(props: { token: Token; onRevoked: () => void }) {
	const { token } = props;
	const action = useAction();
	const facts = [
		list(token.roles.map(roleTitle)),
		token.department,
		token.wards.length > 0 && say("tokens.wards", { wards: list(token.wards) }),
		token.collections.length > 0 && list(token.collections.map(collectionName)),
		token.purpose && purposeTitle(token.purpose),
	];
	const times = [
		token.expires && say("tokens.expires", { time: timeText(token.expires) }),
		token.last_used ? say("tokens.used", { time: timeText(token.last_used) }) : say("tokens.unused"),
	];
	return (
		<li>
			<span class="result-text">
				<b>{token.title}</b>
				<small>{facts.filter(Boolean).join(" · ")}</small>
				<small>{times.filter(Boolean).join(" · ")}</small>
				<Problem error={action.error} />
			</span>
			<SureButton
				label={say("tokens.revoke")}
				question={say("tokens.sure")}
				busy={action.busy}
				onSure={() => void action.run(() => revokeToken(token.id)).then((done) => done && props.onRevoked())}
			/>
		</li>
	);
}

const day = 86_400_000;

function dateIn(days: number): string {
	return new Date(Date.now() + days * day).toISOString().slice(0, 10);
}

function TokenForm(props: { onMade: (token: Token) => void }) {
	const [draft, setDraft] = useState<NewToken>({
		title: "",
		roles: [],
		department: "",
		wards: [],
		purpose: "",
		collections: [],
		expires: dateIn(90),
	});
	const action = useAction();
	const all = collections.value;
	const names = all.status === "ready" ? all.value.map((c) => c.name) : [];
	const submit = async () => {
		let made: Token | undefined;
		// The day named is the last one on which it works, as far as a year allows.
		const end = Math.min(new Date(draft.expires).getTime() + day - 1000, Date.now() + 365 * day - 60_000);
		const done = await action.run(async () => {
			made = await createToken({
				...draft,
				title: draft.title.trim(),
				department: draft.department.trim(),
				expires: new Date(end).toISOString(),
			});
		});
		if (done && made) props.onMade(made);
	};
	return (
		<form
			onSubmit={(e) => {
				e.preventDefault();
				void submit();
			}}
		>
			<div class="narrow">
				<TextField
					label={say("tokens.name")}
					note={say("tokens.nameNote")}
					value={draft.title}
					onInput={(title) => setDraft({ ...draft, title })}
					required
					focus
				/>
				<TextField
					label={say("tokens.until")}
					type="date"
					value={draft.expires}
					onInput={(expires) => setDraft({ ...draft, expires })}
					min={dateIn(1)}
					max={dateIn(364)}
					required
				/>
			</div>
			<ScopeFields scope={draft} onChange={setDraft} />
			<Choices
				legend={say("tokens.collections")}
				note={say("tokens.collectionsNote")}
				options={names.map((n) => [n, collectionName(n)] as const)}
				chosen={draft.collections}
				onChange={(chosen) => setDraft({ ...draft, collections: chosen })}
			/>
			<div class="narrow">
				<SelectField
					label={say("tokens.purpose")}
					value={draft.purpose}
					options={[["", say("tokens.noPurpose")], ...(me.value?.purposes ?? []).map((p) => [p.id, purposeTitle(p.id)] as const)]}
					onChange={(purpose) => setDraft({ ...draft, purpose })}
				/>
			</div>
			<Problem error={action.error} />
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy}>
					{say("tokens.create")}
				</button>
				<button type="button" class="button" onClick={() => update({ page: { name: "tokens", item: "" } })}>
					{say("cancel")}
				</button>
			</div>
		</form>
	);
}
