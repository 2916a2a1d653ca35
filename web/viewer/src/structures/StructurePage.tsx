import { useEffect, useRef, useState } from "preact/hooks";
import { useLoaded } from "../access/load";
import { PurposeForm } from "../access/PurposeForm";
import { language, t } from "../i18n";
import { showWhole } from "../map/camera";
import { me } from "../state/me";
import { refetch } from "../state/selection";
import { session } from "../state/store";
import { copy } from "../state/toasts";
import { emptyView, formatView } from "../state/url";
import { closeCard } from "../ui/close";
import { Icon, type IconName } from "../ui/icons";
import { Failure, IconButton, Skeleton } from "../ui/parts";
import { Actions } from "./Actions";
import { AsOf } from "./AsOf";
import { getPast, getStructure, type Past, type Structure } from "./api";
import { Comparison } from "./Comparison";
import { Aliases, Certificates, Facts, Units } from "./Known";
import { PrintSheet } from "./PrintSheet";
import { StatusChip, show, UidLink } from "./parts";
import { Records } from "./Records";
import { remember } from "./recent";
import { useShape } from "./shape";
import { Timeline } from "./Timeline";
import { dayText, headline } from "./text";
import { Findings, Reviews, useWaiting } from "./Waiting";
import { tell } from "./words";

interface Both {
	readonly structure: Structure;
	/** null where it could not be had; the page does without. */
	readonly past: Past | null;
	/** Names this state of it in a command's condition. */
	readonly etag: string;
}

async function load(uid: string, asof: string): Promise<Both> {
	const [{ value: structure, etag }, past] = await Promise.all([getStructure(uid, asof), getPast(uid).catch(() => null)]);
	return { structure, past, etag };
}

/** The address of a structure's page, in the reader's language. */
export function linkTo(uid: string): string {
	const structure = { uid, asof: "", than: null };
	return location.origin + location.pathname + formatView({ ...emptyView, language: language.peek(), structure });
}

export function StructurePage(props: { uid: string; asof: string; than: string | null }) {
	const { uid, asof, than } = props;
	const [state, again] = useLoaded(() => load(uid, asof), `${session.value}/${uid}/${asof}`);
	const turn = refetch.value;
	const first = useRef(turn);
	useEffect(() => {
		if (turn !== first.current) again();
	}, [turn]);
	const loaded = state.status === "ready" && state.value.structure.uid === uid ? state.value : null;
	const s = loaded?.structure ?? null;
	useShape(s);
	useEffect(() => {
		if (s) remember(uid);
	}, [s !== null, uid]);
	return (
		<>
			<Head uid={uid} structure={s} />
			<div class="structure-body">
				<AsOf asof={asof} than={than} />
				{state.status === "loading" && <Skeleton lines={9} />}
				{state.status === "error" &&
					than === null &&
					(state.kind === "notFound" ? <Unknown uid={uid} asof={asof} /> : <Failure kind={state.kind} retry={again} />)}
				{than !== null && state.status !== "loading" && <Comparison uid={uid} asof={asof} than={than} />}
				{loaded && than === null && <Body {...loaded} asof={asof} onDone={again} />}
			</div>
			{loaded && <PrintSheet structure={loaded.structure} asof={asof} link={linkTo(uid)} />}
		</>
	);
}

function Head(props: { uid: string; structure: Structure | null }) {
	const { uid, structure: s } = props;
	const heading = useRef<HTMLHeadingElement>(null);
	// What led here may be gone: the page begins at its heading, for ears too.
	useEffect(() => {
		const at = document.activeElement;
		if (!at || at === document.body) heading.current?.focus({ preventScroll: true });
	}, [uid]);
	const { address, ward } = s ? headline(s) : { address: "", ward: "" };
	return (
		<header class="structure-head">
			<div class="structure-title">
				<h2 id="structure-title" ref={heading} tabIndex={-1}>
					{s?.name || t("search.structure", { uid })}
				</h2>
				<IconButton icon="search" label={tell("page.another")} onClick={() => show({ uid: "", asof: "", than: null })} />
				<IconButton icon="close" label={t("card.close")} onClick={closeCard} />
			</div>
			<div class="structure-id">
				<code>{uid}</code>
				<IconButton class="small" icon="copy" label={tell("page.copyUid")} onClick={() => void copy(uid)} />
				{s && <StatusChip status={s.status.value} />}
				{ward && <span>{t("ward.name", { name: ward })}</span>}
			</div>
			{address && <p class="structure-address">{address}</p>}
		</header>
	);
}

function Unknown(props: { uid: string; asof: string }) {
	const { uid, asof } = props;
	return (
		<div class="state">
			<Icon name="structure" size={28} />
			<p>{asof ? tell("page.unknownThen", { uid, day: dayText(asof) }) : tell("page.unknown", { uid })}</p>
			<button type="button" class="button" onClick={() => show(asof ? { asof: "" } : { uid: "" })}>
				{tell(asof ? "asof.today" : "page.another")}
			</button>
		</div>
	);
}

function Body(props: Both & { asof: string; onDone: () => void }) {
	const { structure: s, past, asof } = props;
	const waiting = useWaiting(s.uid);
	return (
		<>
			<Lineage structure={s} />
			<Tools structure={s} />
			<Personal />
			{asof === "" && <Actions key={s.uid} structure={s} past={past} etag={props.etag} onDone={props.onDone} />}
			{asof === "" && <Findings findings={waiting.findings} />}
			{asof === "" && <Reviews reviews={waiting.reviews} />}
			<Facts structure={s} past={past} />
			<Certificates structure={s} />
			<Records structure={s} asof={asof} />
			<Units structure={s} asof={asof} />
			<Aliases structure={s} />
			{past && <Timeline past={past} findings={waiting.findings} asof={asof} />}
		</>
	);
}

/** What there is in its place, and what it came from. */
function Lineage(props: { structure: Structure }) {
	const { successors = [], predecessors = [] } = props.structure;
	const line = (title: string, uids: readonly string[], strong: boolean) =>
		uids.length > 0 && (
			<p class={strong ? "lineage strong" : "lineage"}>
				<Icon name="split" size={20} />
				<span>{title}</span>
				{uids.map((u) => (
					<UidLink key={u} uid={u} />
				))}
			</p>
		);
	return (
		<>
			{line(tell("page.successors"), successors, true)}
			{line(tell("page.predecessors"), predecessors, false)}
		</>
	);
}

function Tools(props: { structure: Structure }) {
	const s = props.structure;
	const tool = (icon: IconName, label: string, act: () => void) => (
		<button type="button" class="action" onClick={act}>
			<Icon name={icon} />
			{label}
		</button>
	);
	return (
		<div class="actions">
			{s.geometry && tool("zoom", tell("page.zoom"), () => showWhole(s.geometry))}
			{tool("link", tell("page.link"), () => void copy(linkTo(s.uid)))}
			{tool("print", tell("page.print"), () => print())}
			{!s.geometry && <p class="muted">{tell("page.noShape")}</p>}
		</div>
	);
}

/** Personal data is shown for a purpose, which the reader says. */
function Personal() {
	const [asking, setAsking] = useState(false);
	if (asking) return <PurposeForm onClose={() => setAsking(false)} />;
	if (!me.value?.personal || me.value.purpose) return null;
	return (
		<button type="button" class="link-button" onClick={() => setAsking(true)}>
			{t("card.personal")}
		</button>
	);
}
