import { useState } from "preact/hooks";
import {
	type Account,
	changeAccount,
	createAccount,
	deleteAccount,
	getAccounts,
	type NewAccount,
	signInLink,
} from "../api/access";
import { update, view } from "../state/store";
import { announce } from "../state/toasts";
import { Problem, Secret, SureButton, TextField, useAction } from "./form";
import { Loaded, useLoaded } from "./load";
import { list, roleTitle, timeText } from "./names";
import { ScopeFields } from "./Scope";
import { say } from "./words";

const newItem = "new";

function open(item: string): void {
	update({ page: { name: "accounts", item } });
}

/** Who may sign in, and as what. */
export function AccountsPage() {
	const item = view.value.page?.item ?? "";
	const [state, again] = useLoaded(getAccounts);
	return (
		<Loaded state={state} again={again}>
			{(accounts) => {
				if (item === newItem) return <AccountForm key="new" onSaved={again} />;
				const account = accounts.find((a) => a.id === item);
				return account ? <AccountForm key={account.id} account={account} onSaved={again} /> : <AccountList accounts={accounts} />;
			}}
		</Loaded>
	);
}

function AccountList(props: { accounts: readonly Account[] }) {
	const [filter, setFilter] = useState("");
	const needle = filter.trim().toLocaleLowerCase();
	const shown = props.accounts.filter((a) =>
		[a.name, a.title, a.department, ...a.roles, ...a.roles.map(roleTitle)].some((v) => v.toLocaleLowerCase().includes(needle)),
	);
	return (
		<>
			<div class="page-tools">
				<TextField label={say("accounts.filter")} type="search" value={filter} onInput={setFilter} />
				<button type="button" class="button primary" onClick={() => open(newItem)}>
					{say("accounts.new")}
				</button>
			</div>
			<p class="muted" role="status">
				{say("accounts.count", { n: shown.length })}
			</p>
			<ul class="rows">
				{shown.map((a) => (
					<li key={a.id}>
						<button type="button" class="result" onClick={() => open(a.id)}>
							<span class="result-text">
								<b>
									{a.title || a.name}
									{a.disabled && <span class="tag">{say("accounts.disabled")}</span>}
								</b>
								<small>{[a.title && a.name, list(a.roles.map(roleTitle)), a.department].filter(Boolean).join(" · ")}</small>
							</span>
							<small class="result-distance">{a.last_seen ? timeText(a.last_seen) : say("accounts.never")}</small>
						</button>
					</li>
				))}
			</ul>
		</>
	);
}

const emptyAccount: NewAccount = { name: "", title: "", roles: [], department: "", wards: [] };

function AccountForm(props: { account?: Account; onSaved: () => void }) {
	const { account } = props;
	const [draft, setDraft] = useState<NewAccount>(account ?? emptyAccount);
	const action = useAction();
	const save = async () => {
		const { name, title, roles, department, wards } = draft;
		let saved: Account | undefined;
		const done = await action.run(async () => {
			saved = account
				? await changeAccount(account.id, { title, roles, department: department.trim(), wards })
				: await createAccount({ name: name.trim(), title, roles, department: department.trim(), wards });
		});
		if (!done) return;
		announce({ kind: "saved" });
		props.onSaved();
		// The next thing that a new account needs is its sign-in link.
		if (!account && saved) update({ page: { name: "accounts", item: saved.id } }, false);
	};
	return (
		<form
			onSubmit={(e) => {
				e.preventDefault();
				void save();
			}}
		>
			<button type="button" class="link-button" onClick={() => open("")}>
				{say("accounts.all")}
			</button>
			{account && (
				<p class="muted">
					{[
						account.created && say("accounts.created", { time: timeText(account.created) }),
						account.last_seen ? say("account.seen", { time: timeText(account.last_seen) }) : say("accounts.never"),
						say(account.has_password ? "accounts.hasPassword" : "accounts.noPassword"),
						say(account.second_factor ? "accounts.hasSecond" : "accounts.noSecond"),
					]
						.filter(Boolean)
						.join(" · ")}
				</p>
			)}
			<div class="narrow">
				{account ? (
					<p>
						{say("account.name")}: <b>{account.name}</b>
						{account.disabled && <span class="tag">{say("accounts.disabled")}</span>}
					</p>
				) : (
					<TextField
						label={say("account.name")}
						note={say("accounts.nameNote")}
						value={draft.name}
						onInput={(name) => setDraft({ ...draft, name })}
						required
						focus
					/>
				)}
				<TextField label={say("accounts.fullName")} value={draft.title} onInput={(title) => setDraft({ ...draft, title })} />
			</div>
			<ScopeFields scope={draft} onChange={setDraft} />
			<Problem error={action.error}>{!account && action.error?.kind === "changed" ? say("accounts.taken") : ""}</Problem>
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy}>
					{say(account ? "save" : "accounts.create")}
				</button>
				<button type="button" class="button" onClick={() => open("")}>
					{say("cancel")}
				</button>
			</div>
			{account && <AccountActions account={account} onChanged={props.onSaved} />}
		</form>
	);
}

/** What is done to an account beside editing it. */
function AccountActions(props: { account: Account; onChanged: () => void }) {
	const { account } = props;
	const [link, setLink] = useState("");
	const action = useAction();
	const run = (act: () => Promise<unknown>, then: () => void) => void action.run(act).then((done) => done && then());
	const gone = () => {
		open("");
		props.onChanged();
	};
	return (
		<section class="page-section">
			{link && <Secret label={say("accounts.link")} value={link} note={say("accounts.linkNote")} />}
			<Problem error={action.error} />
			<div class="button-row">
				<button
					type="button"
					class="button"
					disabled={action.busy || account.disabled}
					onClick={() =>
						run(
							async () => setLink(await signInLink(account.id)),
							() => undefined,
						)
					}
				>
					{say("accounts.makeLink")}
				</button>
				<button
					type="button"
					class="button"
					disabled={action.busy}
					onClick={() => run(() => changeAccount(account.id, { disabled: !account.disabled }), props.onChanged)}
				>
					{say(account.disabled ? "accounts.enable" : "accounts.disable")}
				</button>
				<SureButton
					label={say("accounts.delete")}
					question={say("accounts.deleteSure", { name: account.name })}
					busy={action.busy}
					onSure={() => run(() => deleteAccount(account.id), gone)}
				/>
			</div>
		</section>
	);
}
