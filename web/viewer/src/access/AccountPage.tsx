import { useState } from "preact/hooks";
import { changePassword, endSession, getSessions, type Session } from "../api/access";
import { nameOf } from "../api/me";
import { t } from "../i18n";
import { checkReader, me, signOut } from "../state/me";
import { announce } from "../state/toasts";
import { Problem, TextField, useAction } from "./form";
import { Loaded, useLoaded } from "./load";
import { list, purposeTitle, rightTitle, roleTitle, timeText } from "./names";
import { SecondFactor } from "./SecondFactor";
import { say } from "./words";

/** Who one is here, and the keys to it: password, second factor, sessions. */
export function AccountPage() {
	const m = me.value;
	if (!m) return null;
	const facts: readonly (readonly [string, string])[] = [
		[say("account.name"), nameOf(m)],
		[say("account.roles"), list(m.roles.filter((r) => r !== "public").map(roleTitle))],
		[say("account.department"), m.department],
		[say("account.wards"), m.kind !== "account" ? "" : m.wards.length > 0 ? list(m.wards) : say("account.allWards")],
		[say("account.rights"), list(m.rights.map(rightTitle))],
		[say("account.purpose"), m.purpose ? purposeTitle(m.purpose) : ""],
		[say("account.until"), timeText(m.expires)],
	];
	return (
		<>
			<dl class="fields">
				{facts
					.filter(([, value]) => value !== "")
					.map(([title, value]) => (
						<div key={title}>
							<dt>{title}</dt>
							<dd>{value}</dd>
						</div>
					))}
			</dl>
			<div class="button-row">
				<SignOutButton />
			</div>
			{m.kind === "account" && <Password />}
			{m.kind === "account" && <SecondFactor />}
			{(m.kind === "account" || m.kind === "citizen") && <Sessions />}
		</>
	);
}

function SignOutButton() {
	const action = useAction();
	return (
		<>
			<button
				type="button"
				class="button"
				disabled={action.busy}
				onClick={() => void action.run(signOut).then((done) => done && announce({ kind: "signedOut" }))}
			>
				{t("me.signOut")}
			</button>
			<Problem error={action.error} />
		</>
	);
}

const shortest = 12;

function Password() {
	const [before, setBefore] = useState("");
	const [next, setNext] = useState("");
	const action = useAction();
	const has = me.value?.has_password === true;
	const places = action.error?.problem.errors ?? [];
	const wrong = places.some((p) => p.path === "old");
	const refused = places.map((p) => p.reason).join(" ");
	const submit = async () => {
		const done = await action.run(() => changePassword(before, next));
		if (!done) return;
		setBefore("");
		setNext("");
		announce({ kind: "saved" });
		void checkReader();
	};
	return (
		<section class="page-section">
			<h3>{say("account.password")}</h3>
			<form
				class="narrow"
				onSubmit={(e) => {
					e.preventDefault();
					void submit();
				}}
			>
				<input
					type="text"
					class="visually-hidden"
					autocomplete="username"
					value={me.value?.name}
					readOnly
					tabIndex={-1}
					aria-hidden="true"
				/>
				{has && (
					<TextField
						label={say("account.oldPassword")}
						type="password"
						value={before}
						onInput={setBefore}
						autocomplete="current-password"
						required
					/>
				)}
				<TextField
					label={say("account.newPassword")}
					note={say("account.passwordNote", { n: shortest })}
					type="password"
					value={next}
					onInput={setNext}
					autocomplete="new-password"
					minLength={shortest}
					required
				/>
				<Problem error={action.error}>{wrong ? say("account.wrongPassword") : refused}</Problem>
				<button type="submit" class="button primary" disabled={action.busy}>
					{say(has ? "account.change" : "account.set")}
				</button>
			</form>
		</section>
	);
}

function Sessions() {
	const [state, again] = useLoaded(getSessions);
	const action = useAction();
	const end = async (s: Session) => {
		if (!(await action.run(() => endSession(s.id)))) return;
		again();
		await checkReader();
	};
	return (
		<section class="page-section">
			<h3>{say("account.sessions")}</h3>
			<p class="muted">{say("account.sessionsNote")}</p>
			<Problem error={action.error} />
			<Loaded state={state} again={again}>
				{(sessions) => (
					<ul class="rows">
						{sessions.map((s) => (
							<li key={s.id}>
								<span class="result-text">
									<b>{s.this ? say("account.thisSession") : deviceOf(s.agent ?? "") || say("account.device")}</b>
									<small>
										{[
											s.address,
											s.created && say("account.since", { time: timeText(s.created) }),
											s.seen && say("account.seen", { time: timeText(s.seen) }),
										]
											.filter(Boolean)
											.join(" · ")}
									</small>
								</span>
								{!s.this && (
									<button type="button" class="button" disabled={action.busy} onClick={() => void end(s)}>
										{say("account.end")}
									</button>
								)}
							</li>
						))}
					</ul>
				)}
			</Loaded>
		</section>
	);
}

/** "Firefox, Android" from what browsers say of themselves; "" when it says nothing known. */
export function deviceOf(agent: string): string {
	const first = (words: readonly string[]) => words.find((w) => agent.includes(w)) ?? "";
	// Each browser also names those it descends from, and Android names Linux.
	const browser = first(["Firefox", "Edg", "OPR", "SamsungBrowser", "Chrome", "Safari"]);
	const system = first(["Android", "iPhone", "iPad", "Windows", "Macintosh", "CrOS", "Linux"]);
	const names: Readonly<Record<string, string>> = {
		Edg: "Edge",
		OPR: "Opera",
		SamsungBrowser: "Samsung Internet",
		Macintosh: "macOS",
	};
	return [browser, system]
		.filter(Boolean)
		.map((n) => names[n] ?? n)
		.join(", ");
}
