import { update } from "../state/store";
import { dayText } from "../structures/text";
import { Icon } from "../ui/icons";
import { speak } from "./words";

/** What the server says beside a thing that was saved. */
export interface Warning {
	readonly kind: string;
	readonly collection: string;
	readonly id: string;
	readonly title?: string;
	readonly from?: string;
	readonly to?: string;
	readonly share?: number;
}

function text(w: Warning): string {
	const from = w.from ? dayText(w.from) : "";
	const to = w.to ? dayText(w.to) : "";
	const title = w.title || w.id;
	if (w.kind === "already_surveyed")
		return speak("warn.surveyed", { share: `${Math.round((w.share ?? 0) * 100)} %`, from, to, title });
	return to ? speak("warn.works", { title, from, to }) : speak("warn.open", { title, from });
}

/** Shown until it was read: a notice would be gone. */
export function Warnings(props: { warnings: readonly Warning[]; onDone: () => void }) {
	return (
		<div class="drawing warnings" role="alert">
			<h3>
				<Icon name="alert" size={20} /> {speak("warn.title")}
			</h3>
			<ul class="plain">
				{props.warnings.map((w) => (
					<li key={`${w.collection}/${w.id}`}>
						<p>{text(w)}</p>
						<button
							type="button"
							class="button"
							onClick={() => update({ selection: { collection: w.collection, id: w.id }, here: null })}
						>
							{speak("warn.show")}
						</button>
					</li>
				))}
			</ul>
			<button type="button" class="button primary" onClick={props.onDone}>
				{speak("warn.done")}
			</button>
		</div>
	);
}
