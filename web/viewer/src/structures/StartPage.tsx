import { useEffect, useRef, useState } from "preact/hooks";
import { useAction } from "../access/form";
import { language, t } from "../i18n";
import { signedIn } from "../state/me";
import { closeCard } from "../ui/close";
import { Icon } from "../ui/icons";
import { Failure, IconButton } from "../ui/parts";
import { type Answer, type Found, find } from "./find";
import { StatusChip, show, UidLink } from "./parts";
import { Register } from "./Register";
import { recent } from "./recent";
import { schemeText } from "./text";
import { type Malformed, parseUid } from "./uid";
import { tell, tellIfKnown } from "./words";

/** Where no structure is open: to name one, or to learn what is wrong with a number. */
export function StartPage(props: { text: string }) {
	const [text, setText] = useState(props.text);
	const [asked, setAsked] = useState("");
	const [answer, setAnswer] = useState<Answer | null>(() => wrongAnswer(props.text));
	const action = useAction();
	const input = useRef<HTMLInputElement>(null);
	useEffect(() => {
		setText(props.text);
		setAsked(props.text);
		setAnswer(wrongAnswer(props.text));
	}, [props.text]);
	useEffect(() => input.current?.focus({ preventScroll: true }), []);
	const ask = () => {
		const q = text.trim();
		if (q === "") return;
		setAsked(q);
		void action.run(async () => {
			const a = await find(q, language.peek(), signedIn.peek());
			const only = a.found.length === 1 ? a.found[0] : undefined;
			if (only) show({ uid: only.uid });
			else setAnswer(a);
		});
	};
	return (
		<>
			<header class="panel-header">
				<h2 id="structure-title">{tell("find.title")}</h2>
				<IconButton icon="close" label={t("card.close")} onClick={closeCard} />
			</header>
			<div class="structure-body">
				<form
					class="find"
					onSubmit={(e) => {
						e.preventDefault();
						ask();
					}}
				>
					<label for="structure-find">{tell("find.label")}</label>
					<div>
						<input
							ref={input}
							id="structure-find"
							type="text"
							autocomplete="off"
							autocapitalize="characters"
							spellcheck={false}
							enterkeyhint="search"
							value={text}
							onInput={(e) => setText(e.currentTarget.value)}
						/>
						<button type="submit" class="button primary" disabled={action.busy || text.trim() === ""}>
							{tell("find.go")}
						</button>
					</div>
					<p class="muted">{tell("find.hint")}</p>
				</form>
				<div role="status">
					{action.error && <Failure kind={action.error.kind} retry={ask} />}
					{!action.error && answer?.wrong && <Wrong text={asked} wrong={answer.wrong} />}
					{!action.error && answer && !answer.wrong && answer.found.length === 0 && (
						<p class="empty">{tell("find.none", { q: asked })}</p>
					)}
				</div>
				{answer && answer.found.length > 0 && (
					<ul class="results">
						{answer.found.map((f) => (
							<li key={f.uid}>
								<FoundRow found={f} />
							</li>
						))}
					</ul>
				)}
				<Register />
				{recent().length > 0 && (
					<section>
						<h3>{tell("find.recent")}</h3>
						<ul class="uid-list">
							{recent().map((uid) => (
								<li key={uid}>
									<UidLink uid={uid} />
								</li>
							))}
						</ul>
					</section>
				)}
			</div>
		</>
	);
}

/** What is wrong with a number that came in the address. */
function wrongAnswer(text: string): Answer | null {
	if (text === "") return null;
	const parsed = parseUid(text);
	return "wrong" in parsed ? { found: [], wrong: parsed.wrong } : null;
}

function FoundRow(props: { found: Found }) {
	const f = props.found;
	return (
		<button type="button" class="result" onClick={() => show({ uid: f.uid })}>
			<Icon name="structure" />
			<span class="result-text">
				<b>{f.name || f.address || f.uid}</b>
				<small>{[f.name ? f.address : "", f.name || f.address ? f.uid : ""].filter(Boolean).join(" · ")}</small>
				<small>{tell("find.match", { what: matchText(f.match) })}</small>
			</span>
			<StatusChip status={f.status} />
		</button>
	);
}

function matchText(match: string): string {
	return tellIfKnown(`match.${match}`) ?? schemeText(match);
}

function Wrong(props: { text: string; wrong: Malformed }) {
	const { wrong } = props;
	const likely = "likely" in wrong ? wrong.likely : "";
	return (
		<div class="wrong">
			<Icon name="alert" />
			<div>
				<b>{tell("wrong.title", { text: props.text.slice(0, 40) })}</b>
				<p>{wrongText(wrong)}</p>
				{likely && (
					<button type="button" class="button primary" onClick={() => show({ uid: likely })}>
						{tell("wrong.open", { uid: likely })}
					</button>
				)}
			</div>
		</div>
	);
}

export function wrongText(w: Malformed): string {
	switch (w.kind) {
		case "length":
			return tell("wrong.length", { count: w.count });
		case "character":
			return tell("wrong.character", { position: w.position, character: w.character });
		case "swapped":
			return tell("wrong.swapped", { position: w.position, next: w.position + 1 });
		case "mistaken":
			return tell("wrong.mistaken", { position: w.position, from: w.from, to: w.to });
		case "near":
			return tell("wrong.near", { position: w.position });
		case "check":
			return tell("wrong.check");
		case "reserved":
			return tell("wrong.reserved");
	}
}
