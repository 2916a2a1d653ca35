import { dayText, numberText } from "../structures/text";
import type { ReviewCounts } from "./api";
import { label, labelIfKnown } from "./words";

/** How much of the queue is done. */
export function Progress(props: { counts: ReviewCounts | null }) {
	const c = props.counts;
	if (!c) return null;
	const done = c.joined + c.none;
	const all = done + c.open;
	if (all === 0) return null;
	const text = label("review.progress", { done: numberText(done), all: numberText(all) });
	return (
		<div class="desk-progress">
			<progress max={all} value={done} aria-label={text} />
			<span>{text}</span>
		</div>
	);
}

/** What was decided, by whom and when. */
export function decidedText(state: string, d: { readonly by: string; readonly at: string }): string {
	const what = labelIfKnown(`review.state.${state}`) ?? state;
	return label("review.decidedBy", { what, name: d.by, day: dayText(d.at) });
}
