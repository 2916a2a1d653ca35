import { useState } from "preact/hooks";
import { type Breach, type BreachFilter, breachTablePath, getBreach } from "../api/access";
import { Icon } from "../ui/icons";
import { Empty } from "../ui/parts";
import { actorName, moment } from "./AuditPage";
import { CollectionField, Problem, TextField, useAction } from "./form";
import { actionTitle, collectionName, count, fieldTitles, purposeTitle, timeText } from "./names";
import { together } from "./readings";
import { say } from "./words";

/** Whose data was read by whom, in a stretch of time. */
export function BreachReport() {
	const [draft, setDraft] = useState<BreachFilter>({ from: "", to: "", who: "", collection: "" });
	const [report, setReport] = useState<Breach | null>(null);
	const [made, setMade] = useState<BreachFilter | null>(null);
	const action = useAction();
	const asked = { ...draft, from: moment(draft.from ?? ""), to: moment(draft.to ?? "") };
	const field = (name: keyof BreachFilter, label: string, type: "text" | "datetime-local" = "text") => (
		<TextField
			label={label}
			type={type}
			required={type === "datetime-local"}
			value={draft[name] ?? ""}
			onInput={(v) => setDraft({ ...draft, [name]: v })}
		/>
	);
	return (
		<>
			<p>{say("breach.intro")}</p>
			<form
				class="filter"
				onSubmit={(e) => {
					e.preventDefault();
					void action.run(async () => {
						setReport(await getBreach(asked));
						setMade(asked);
					});
				}}
			>
				{field("from", say("audit.from"), "datetime-local")}
				{field("to", say("audit.to"), "datetime-local")}
				{field("who", say("audit.who"))}
				<CollectionField value={draft.collection ?? ""} onInput={(collection) => setDraft({ ...draft, collection })} />
				<button type="submit" class="button primary" disabled={action.busy}>
					{say("breach.make")}
				</button>
			</form>
			<Problem error={action.error} />
			{report && <Report report={report} />}
			{made && (
				<a class="button" href={breachTablePath(made)} download="breach.csv">
					<Icon name="download" size={20} />
					{say("breach.csv")}
				</a>
			)}
		</>
	);
}

function Report(props: { report: Breach }) {
	const { readings, features, partial } = props.report;
	if (readings.length === 0) {
		return (
			<Empty>
				<Icon name="shield" size={28} />
				<p>{say("breach.none")}</p>
			</Empty>
		);
	}
	const persons = Object.values(features).reduce((n, ids) => n + (ids?.length ?? 0), 0);
	return (
		<>
			<p role="status">
				<b>{say(partial ? "breach.atLeast" : "breach.sum", { n: count(persons) })}</b>
			</p>
			<div class="table-box">
				<table class="audit">
					<thead>
						<tr>
							<th scope="col">{say("audit.who")}</th>
							<th scope="col">{say("audit.collection")}</th>
							<th scope="col">{say("breach.field")}</th>
							<th scope="col">{say("breach.when")}</th>
							<th scope="col" class="number">
								{say("breach.looks")}
							</th>
						</tr>
					</thead>
					<tbody>
						{[...together(readings)].map(([key, r]) => (
							<tr key={key}>
								<td>
									{actorName(r.who)}
									{r.who.purpose && <small>{purposeTitle(r.who.purpose)}</small>}
								</td>
								<td>
									{collectionName(r.collection)}
									<small>{actionTitle(r.action)}</small>
								</td>
								<td>{fieldTitles(r.collection, r.fields)}</td>
								<td>
									{timeText(r.first)}
									{r.last !== r.first && <small>{say("breach.until", { time: timeText(r.last) })}</small>}
								</td>
								<td class="number">{count(r.count)}</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
		</>
	);
}
