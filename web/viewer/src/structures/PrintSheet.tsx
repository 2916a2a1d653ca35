import { nameOf } from "../api/me";
import { formatDate } from "../format/numbers";
import { language, t } from "../i18n";
import { me, signedIn } from "../state/me";
import { synthetic } from "../state/store";
import { areaText, collectionTitle, timeZone } from "../ui/text";
import type { Structure } from "./api";
import { CertificateState, sortedCertificates } from "./Known";
import { groundArea } from "./outline";
import { Drawing, QrCode } from "./parts";
import { cityText, dayText, headline, numberText, schemeText, statusText, titleOf, valueText } from "./text";
import { tell } from "./words";

const unsaid = new Set(["uid", "name", "ward", "address", "status", "source_id"]);

/**
 * The page on paper, A4. It is in the document all the time, so that the browser's
 * own print command prints it too. Of departments' records it says how many, not
 * what: what may be personal stays off paper.
 */
export function PrintSheet(props: { structure: Structure; asof: string; link: string }) {
	const { structure: s, asof, link } = props;
	const { address, ward } = headline(s);
	const facts = s.facts.filter((f) => !unsaid.has(f.name));
	const area = groundArea(s.geometry);
	const rows: (readonly [string, string])[] = [
		...facts.map((f) => [titleOf(f.collection, f.name), valueText(f.collection, f.name, f.value, f.unit)] as const),
		...(area > 0 ? [[tell("facts.area"), areaText(area)] as const] : []),
		...(s.units.count > 0 ? [[tell("units.title"), numberText(s.units.count)] as const] : []),
	];
	return (
		<div class="print-sheet" aria-hidden="true">
			<header>
				<div>
					<p>{[cityText(), tell("sheet.title")].filter(Boolean).join(" · ")}</p>
					<h1>{s.name || t("search.structure", { uid: s.uid })}</h1>
					<p class="print-uid">{s.uid}</p>
					<p>
						<b>{statusText(s.status.value)}</b>
						{ward && ` · ${t("ward.name", { name: ward })}`}
					</p>
					{address && <p>{address}</p>}
					{asof && <p>{tell("sheet.asof", { day: dayText(asof) })}</p>}
				</div>
				<figure>
					<QrCode text={link} label={tell("sheet.qr")} />
					<figcaption>{tell("sheet.scan")}</figcaption>
				</figure>
			</header>
			<div class="print-columns">
				<section>
					<h2>{tell("facts.title")}</h2>
					<Pairs rows={rows.filter(([, value]) => value !== "")} />
				</section>
				<Drawing geometries={[s.geometry]} />
			</div>
			<Lineage structure={s} />
			<section>
				<h2>{tell("cert.title")}</h2>
				{s.certificates.length === 0 && <p>{tell("cert.none")}</p>}
				<ul class="certificates">
					{sortedCertificates(s).map((c) => (
						<li key={`${c.collection}/${c.id}`}>
							<span>{collectionTitle(c.collection)}</span>
							<CertificateState certificate={c} />
						</li>
					))}
				</ul>
			</section>
			<div class="print-columns">
				{s.aliases.length > 0 && (
					<section>
						<h2>{tell("aliases.title")}</h2>
						<Pairs rows={s.aliases.map((a) => [schemeText(a.scheme), a.value] as const)} />
					</section>
				)}
				{s.records.length > 0 && (
					<section>
						<h2>{tell("sheet.records")}</h2>
						<Pairs
							rows={s.records.flatMap((d) =>
								d.collections.map((c) => [`${d.department}: ${collectionTitle(c.collection)}`, numberText(c.count)] as const),
							)}
						/>
					</section>
				)}
			</div>
			<footer>
				<span>{printedText()}</span>
				{synthetic.value && <span>{t("synthetic.long")}</span>}
				<span>{link}</span>
			</footer>
		</div>
	);
}

function Pairs(props: { rows: readonly (readonly [string, string])[] }) {
	return (
		<dl class="fields">
			{props.rows.map(([title, value], i) => (
				<div key={i}>
					<dt>{title}</dt>
					<dd>{value}</dd>
				</div>
			))}
		</dl>
	);
}

function Lineage(props: { structure: Structure }) {
	const { successors = [], predecessors = [] } = props.structure;
	return (
		<>
			{successors.length > 0 && (
				<p>
					{tell("page.successors")}: <b>{successors.join(", ")}</b>
				</p>
			)}
			{predecessors.length > 0 && (
				<p>
					{tell("page.predecessors")}: <b>{predecessors.join(", ")}</b>
				</p>
			)}
		</>
	);
}

function printedText(): string {
	const time = formatDate(new Date().toISOString(), language.value, timeZone());
	const name = signedIn.value && me.value ? nameOf(me.value) : "";
	return name ? tell("sheet.printed", { time, name }) : tell("sheet.printedPublic", { time });
}
