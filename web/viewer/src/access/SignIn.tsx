import { useEffect, useState } from "preact/hooks";
import { askForCode, getMethods, login, type Methods, providerPath, verifyCode } from "../api/access";
import type { ApiError, ApiErrorKind } from "../api/client";
import { kindOf } from "../api/client";
import { type Me, nameOf } from "../api/me";
import { t } from "../i18n";
import { becomeReader } from "../state/me";
import { type Loadable, update, view } from "../state/store";
import { announce } from "../state/toasts";
import { emptyView, formatView } from "../state/url";
import { Failure, IconButton, Skeleton } from "../ui/parts";
import { closePage, Dialog } from "./Dialog";
import { Problem, Segments, TextField, useAction } from "./form";
import { say } from "./words";

/** The calm dialog in which one says who one is. */
export function SignIn() {
	const [methods, setMethods] = useState<Loadable<Methods>>({ status: "loading" });
	const load = () => {
		setMethods({ status: "loading" });
		getMethods()
			.then((value) => setMethods({ status: "ready", value }))
			.catch((e: unknown) => setMethods({ status: "error", kind: kindOf(e) }));
	};
	useEffect(load, []);
	return (
		<Dialog class="small" label={t("me.signIn")}>
			<header class="panel-header">
				<h2>{t("me.signIn")}</h2>
				<IconButton icon="close" label={t("card.close")} onClick={closePage} />
			</header>
			<div class="page-body">
				{methods.status === "loading" && <Skeleton lines={4} />}
				{methods.status === "error" && <Failure kind={methods.kind} retry={load} />}
				{methods.status === "ready" && <Ways methods={methods.value} />}
			</div>
		</Dialog>
	);
}

function Ways(props: { methods: Methods }) {
	const { local, oidc, codes } = props.methods;
	const staff = local || oidc.length > 0;
	const [way, setWay] = useState<"staff" | "citizen">(staff ? "staff" : "citizen");
	if (!staff && codes.length === 0) return <p>{say("signin.none")}</p>;
	const both = staff && codes.length > 0;
	return (
		<>
			{both && (
				<Segments
					label={say("signin.as")}
					options={[
						["staff", say("signin.staff")],
						["citizen", say("signin.citizen")],
					]}
					value={way}
					onChange={setWay}
				/>
			)}
			{way === "citizen" ? (
				<CodeForm codes={codes} />
			) : (
				<>
					{oidc.map((p) => (
						<a key={p.id} class="button wide" href={providerPath(p.id, backHere())}>
							{say("signin.with", { provider: p.title })}
						</a>
					))}
					{oidc.length > 0 && local && <p class="or">{say("signin.or")}</p>}
					{local && <LocalForm />}
				</>
			)}
		</>
	);
}

/** The view that the reader left, without this dialog. */
function backHere(): string {
	return location.pathname + formatView({ ...emptyView, ...view.peek(), page: null });
}

function welcome(me: Me): void {
	becomeReader(me);
	update({ page: null }, false);
	announce({ kind: "signedIn", name: nameOf(me) });
}

/** Plain words for what may go wrong here and nowhere else. */
function wordsFor(error: ApiError | null, refused: string): string {
	const special: Partial<Record<ApiErrorKind, string>> = {
		forbidden: refused,
		tooMany: error?.problem.retryAfter ? say("signin.wait", { seconds: error.problem.retryAfter }) : say("signin.waitSome"),
	};
	if (error?.problem.type === "needs-https") return say("signin.https");
	return (error && special[error.kind]) ?? "";
}

function LocalForm() {
	const [name, setName] = useState("");
	const [password, setPassword] = useState("");
	const [code, setCode] = useState("");
	const [second, setSecond] = useState(false);
	const action = useAction();
	const needsCode = action.error?.problem.type === "second-factor";
	useEffect(() => {
		if (needsCode) setSecond(true);
	}, [needsCode]);
	const refused = say(second ? "signin.wrongCode" : "signin.wrong");
	// To be asked for the code is the next step, not a failure.
	const asked = needsCode && code === "";
	return (
		<form
			onSubmit={(e) => {
				e.preventDefault();
				void action.run(async () => welcome(await login(name.trim(), password, code.trim())));
			}}
		>
			{second ? (
				<>
					<p>{say("signin.second", { name })}</p>
					<TextField
						label={say("signin.code")}
						value={code}
						onInput={setCode}
						autocomplete="one-time-code"
						numeric
						required
						focus
					/>
				</>
			) : (
				<>
					<TextField label={say("signin.name")} value={name} onInput={setName} autocomplete="username" required focus />
					<TextField
						label={say("signin.password")}
						type="password"
						value={password}
						onInput={setPassword}
						autocomplete="current-password"
						required
					/>
				</>
			)}
			{!asked && <Problem error={action.error}>{wordsFor(action.error, refused)}</Problem>}
			<button type="submit" class="button primary wide" disabled={action.busy}>
				{t("me.signIn")}
			</button>
			{second ? (
				<button
					type="button"
					class="link-button"
					onClick={() => {
						setSecond(false);
						setCode("");
						action.clear();
					}}
				>
					{say("back")}
				</button>
			) : (
				<p class="muted">{say("signin.lost")}</p>
			)}
		</form>
	);
}

function CodeForm(props: { codes: readonly string[] }) {
	const [contact, setContact] = useState("");
	const [code, setCode] = useState("");
	const [sent, setSent] = useState(false);
	const action = useAction();
	const sms = props.codes.includes("sms");
	const email = props.codes.includes("email");
	const label = sms && email ? say("signin.contact") : sms ? say("signin.phone") : say("signin.email");
	const submit = async () => {
		if (sent) {
			welcome(await verifyCode(contact.trim(), code.trim()));
			return;
		}
		await askForCode(contact.trim());
		setSent(true);
	};
	return (
		<form
			onSubmit={(e) => {
				e.preventDefault();
				void action.run(submit);
			}}
		>
			{sent ? (
				<>
					<p role="status">{say("signin.sent", { contact })}</p>
					<TextField
						key="code"
						label={say("signin.code")}
						value={code}
						onInput={setCode}
						autocomplete="one-time-code"
						numeric
						required
						focus
					/>
				</>
			) : (
				<>
					<p>{say("signin.citizenWhy")}</p>
					<TextField
						key="contact"
						label={label}
						value={contact}
						onInput={setContact}
						type={sms && !email ? "tel" : email && !sms ? "email" : "text"}
						autocomplete={sms && !email ? "tel" : "email"}
						required
						focus
					/>
				</>
			)}
			<Problem error={action.error}>{wordsFor(action.error, say("signin.wrongCode"))}</Problem>
			<button type="submit" class="button primary wide" disabled={action.busy}>
				{sent ? t("me.signIn") : say("signin.send")}
			</button>
			{sent && (
				<button
					type="button"
					class="link-button"
					onClick={() => {
						setSent(false);
						setCode("");
						action.clear();
					}}
				>
					{say("back")}
				</button>
			)}
		</form>
	);
}
