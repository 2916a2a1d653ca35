import { useEffect, useState } from "preact/hooks";
import { useLoaded } from "../access/load";
import { session } from "../state/store";
import type { DeskView } from "../state/url";
import { dayText } from "../structures/text";
import { Icon } from "../ui/icons";
import { Failure, Skeleton } from "../ui/parts";
import { collectionTitle } from "../ui/text";
import { getReviewCounts, getReviews, type ReviewCounts, type ReviewLine, type ReviewPage } from "./api";
import { DeskHead, narrow, Pick, turn, useChanges, useTidyMap, wardOptions } from "./parts";
import { decidedText, Progress } from "./progress";
import { ReviewOne } from "./Review";
import { label } from "./words";

const states = ["decided", "all"] as const;

/** Records that wait for somebody to say which structure they are of. */
export function Reviews(props: { desk: DeskView }) {
	const { desk } = props;
	const { where } = desk;
	const changes = useChanges("reviews");
	const key = `${session.value}/${JSON.stringify(where)}`;
	const [state, again] = useLoaded(() => getReviews({ state: "open", ...where }), key);
	const [counts, countAgain] = useLoaded(() => getReviewCounts(), String(session.value));
	const [more, setMore] = useState<readonly ReviewPage[]>([]);
	useTidyMap();
	useEffect(() => setMore([]), [key]);
	// While one is open the list stays as it is: its order is the way through it.
	useEffect(() => {
		if (changes === 0) return;
		countAgain();
		if (desk.item === "") again();
	}, [changes, desk.item === ""]);
	const pages = state.status === "ready" ? [state.value, ...more] : [];
	const lines = pages.flatMap((p) => p.reviews);
	if (desk.item !== "") return <ReviewOne id={desk.item} queue={lines} counts={countsOf(counts, where.collection)} />;
	const next = pages.at(-1)?.next;
	const first = lines[0];
	return (
		<>
			<DeskHead title={label("review.title")} />
			<div class="structure-body">
				<p class="muted">{label("review.intro")}</p>
				<Progress counts={countsOf(counts, where.collection)} />
				<Filters where={where} collections={counts.status === "ready" ? counts.value.map((c) => c.collection) : []} />
				{state.status === "loading" && <Skeleton lines={8} />}
				{state.status === "error" && <Failure kind={state.kind} retry={again} />}
				{state.status === "ready" && !first && (
					<div class="state">
						<Icon name="check" size={28} />
						<p>{label("review.none")}</p>
						<p class="muted">{label("review.noneHint")}</p>
					</div>
				)}
				{first && (where.state ?? "open") === "open" && (
					<button type="button" class="button primary wide" onClick={() => turn({ item: first.id })}>
						{label("review.start")}
					</button>
				)}
				<ul class="desk-list">
					{lines.map((r) => (
						<li key={r.id}>
							<Line review={r} />
						</li>
					))}
				</ul>
				{next && (
					<button
						type="button"
						class="button wide"
						onClick={() => void getReviews({ state: "open", ...where }, next).then((p) => setMore([...more, p]))}
					>
						{label("list.more")}
					</button>
				)}
			</div>
		</>
	);
}

type Loaded<T> = ReturnType<typeof useLoaded<T>>[0];

/** The counts of one collection, or of all of them together. */
function countsOf(counts: Loaded<readonly ReviewCounts[]>, collection = ""): ReviewCounts | null {
	if (counts.status !== "ready") return null;
	const some = counts.value.filter((c) => collection === "" || c.collection === collection);
	const sum = (of: (c: ReviewCounts) => number) => some.reduce((n, c) => n + of(c), 0);
	return { collection, open: sum((c) => c.open), joined: sum((c) => c.joined), none: sum((c) => c.none) };
}

function Filters(props: { where: Readonly<Record<string, string>>; collections: readonly string[] }) {
	const { where } = props;
	return (
		<div class="picks">
			<Pick
				label={label("review.collection")}
				value={where.collection ?? ""}
				any={label("filter.any")}
				options={props.collections.map((c) => [c, collectionTitle(c)] as const)}
				onChange={(collection) => narrow({ collection })}
			/>
			<Pick
				label={label("filter.ward")}
				value={where.ward ?? ""}
				any={label("filter.any")}
				options={wardOptions()}
				onChange={(ward) => narrow({ ward })}
			/>
			<Pick
				label={label("filter.state")}
				value={where.state ?? ""}
				any={label("review.state.open")}
				options={states.map((s) => [s, label(`review.state.${s}`)] as const)}
				onChange={(state) => narrow({ state })}
			/>
		</div>
	);
}

function Line(props: { review: ReviewLine }) {
	const r = props.review;
	return (
		<button type="button" class="desk-line" onClick={() => turn({ item: r.id })}>
			<span class="desk-line-text">
				<b>{r.record.title || r.record.id}</b>
				<small>{[collectionTitle(r.collection), r.ward, r.created ? dayText(r.created) : ""].filter(Boolean).join(" · ")}</small>
				{r.decided && <small>{decidedText(r.state, r.decided)}</small>}
			</span>
			<span class="desk-line-side">
				<span class="likely">{label("review.sure", { n: Math.round(r.score * 100) })}</span>
				<small>{label("review.candidates", { n: r.candidates })}</small>
			</span>
		</button>
	);
}
