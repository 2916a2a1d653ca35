import { useState } from "preact/hooks";
import { getReaders, type Look, type Paged } from "../api/access";
import { Icon } from "../ui/icons";
import { Empty } from "../ui/parts";
import { Problem, useAction } from "./form";
import { Loaded, useLoaded } from "./load";
import { collectionName, fieldTitles, list, purposeTitle, roleTitle, timeText } from "./names";
import { say } from "./words";

/** For a citizen, in plain words: who looked at what the city keeps about them. */
export function ReadersPage() {
	const [state, again] = useLoaded(() => getReaders());
	return (
		<>
			<p>{say("readers.intro")}</p>
			<Loaded state={state} again={again}>
				{(first) => <Looks first={first} />}
			</Loaded>
		</>
	);
}

function Looks(props: { first: Paged<Look> }) {
	const [pages, setPages] = useState<readonly Paged<Look>[]>([props.first]);
	const action = useAction();
	const looks = pages.flatMap((p) => p.items);
	const next = pages.at(-1)?.next ?? "";
	if (looks.length === 0) {
		return (
			<Empty>
				<Icon name="eye" size={28} />
				<p>{say("readers.none")}</p>
			</Empty>
		);
	}
	return (
		<>
			<ol class="rows looks">
				{looks.map((l, i) => (
					<li key={`${l.time}-${i}`}>
						<span class="result-text">
							<b>{sentence(l)}</b>
							<small>{details(l)}</small>
						</span>
						<time dateTime={l.time}>{timeText(l.time)}</time>
					</li>
				))}
			</ol>
			<Problem error={action.error} />
			{next && (
				<button
					type="button"
					class="button wide"
					disabled={action.busy}
					onClick={() => void action.run(async () => setPages([...pages, await getReaders(next)]))}
				>
					{say("more")}
				</button>
			)}
			<p class="muted">{say("readers.rights")}</p>
		</>
	);
}

/** "An officer of Assessment and Collection looked at: Owner, Phone" */
function sentence(l: Look): string {
	const roles = (l.roles ?? []).filter((r) => r !== "public");
	const who = roles.length > 0 ? list(roles.map(roleTitle)) : say("readers.somebody");
	// A map or a list around the record: it was among many.
	if (!l.ids?.length)
		return l.department ? say("readers.amongOf", { who, department: l.department }) : say("readers.among", { who });
	const what = l.fields?.length ? fieldTitles(l.collection ?? "", l.fields) : say("readers.record");
	return l.department ? say("readers.lookedOf", { who, department: l.department, what }) : say("readers.looked", { who, what });
}

function details(l: Look): string {
	return [
		l.collection ? collectionName(l.collection) : "",
		l.purpose ? say("readers.purpose", { purpose: purposeTitle(l.purpose) }) : "",
	]
		.filter(Boolean)
		.join(" · ");
}
