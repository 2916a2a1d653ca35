import { useEffect, useState } from "preact/hooks";
import { nameOf } from "../api/me";
import { formatNumber } from "../format/numbers";
import { language, languages, t } from "../i18n";
import { northUp, theMap, tilt, zoomBy } from "../map/camera";
import { desksSeen, myFindings, openFindings } from "../state/duties";
import { me, signedIn } from "../state/me";
import {
	liveStatus,
	mapReady,
	online,
	phone,
	setLanguage,
	setTheme,
	synthetic,
	theme,
	tilesFailed,
	update,
	view,
} from "../state/store";
import type { Language } from "../style/types";
import { openDesk } from "./close";
import { Icon } from "./icons";
import { showMe } from "./locate";
import { IconButton } from "./parts";
import { ReaderButton } from "./Reader";
import { distanceText } from "./text";

/** Each language in its own script, whatever the interface speaks. */
const ownNames: Readonly<Record<Language, string>> = { mr: "मराठी", hi: "हिन्दी", en: "English" };

export function LanguageSwitch() {
	return (
		<div class="segments" role="group" aria-label={t("language.label")}>
			{languages.map((l) => (
				<button type="button" key={l} lang={l} aria-pressed={language.value === l} onClick={() => setLanguage(l)}>
					{ownNames[l]}
				</button>
			))}
		</div>
	);
}

export function TopRight() {
	if (phone.value) return null;
	return (
		<div class="top-right">
			<div class="card">
				<LanguageSwitch />
			</div>
			<IconButton
				class="card"
				icon={theme.value === "dark" ? "sun" : "moon"}
				label={t(theme.value === "dark" ? "theme.light" : "theme.dark")}
				onClick={() => setTheme(theme.value === "dark" ? "light" : "dark")}
			/>
			<DutyButton />
			<ReaderButton />
		</div>
	);
}

/** How much is open for the reader's department, and the way to it. */
function DutyButton() {
	const n = openFindings.value;
	if (!desksSeen.value.findings || n === null) return null;
	const text = formatNumber(n, language.value);
	const label = t("desk.mine", { n: text });
	return (
		<button
			type="button"
			class="duty-button card"
			aria-label={label}
			title={label}
			onClick={() => openDesk("findings", myFindings())}
		>
			<Icon name="flag" size={20} />
			{n > 0 && <span class="badge">{text}</span>}
		</button>
	);
}

export function MapButtons() {
	const threeD = view.value.threeD;
	const turned = Math.abs(view.value.camera?.bearing ?? 0) > 0.5;
	return (
		<div class="map-buttons">
			{turned && <IconButton class="card" icon="compass" label={t("map.north")} onClick={northUp} />}
			{!phone.value && (
				<button
					type="button"
					class={`icon-button card text-button ${threeD ? "active" : ""}`}
					aria-label={t(threeD ? "map.2d" : "map.3d")}
					title={t(threeD ? "map.2d" : "map.3d")}
					onClick={() => {
						update({ threeD: !threeD });
						tilt(!threeD);
					}}
				>
					{t(threeD ? "map.2dShort" : "map.3dShort")}
				</button>
			)}
			<IconButton class="card locate" icon="locate" label={t("map.me")} onClick={() => void showMe()} />
			{!phone.value && (
				<div class="card zoom-buttons">
					<IconButton icon="plus" label={t("map.zoomIn")} onClick={() => zoomBy(1)} />
					<IconButton icon="minus" label={t("map.zoomOut")} onClick={() => zoomBy(-1)} />
				</div>
			)}
		</div>
	);
}

/** What is quiet but always there: scale, data status, what the data is. */
export function StatusBar() {
	return (
		<div class="status-bar">
			{synthetic.value && (
				<span class="chip" title={t("synthetic.long")}>
					{t("synthetic.short")}
				</span>
			)}
			<LiveChip />
			{phone.value && signedIn.value && me.value && <span class="chip">{nameOf(me.value)}</span>}
			<ScaleBar />
		</div>
	);
}

function LiveChip() {
	if (!online.value || liveStatus.value === "connecting") return null;
	const state = liveStatus.value;
	return (
		<span class={`chip chip-${state}`} role="status">
			<span class="dot" aria-hidden="true" />
			{t(state === "on" ? "live.on" : state === "lost" ? "live.lost" : "live.off")}
		</span>
	);
}

function ScaleBar() {
	// Read for the subscription: the scale follows the camera.
	const moved = view.value.camera;
	const map = theMap();
	if (!mapReady.value || !map || phone.value) return null;
	const c = moved ?? { lat: map.getCenter().lat, zoom: map.getZoom() };
	const metresPerPixel = (Math.cos((c.lat * Math.PI) / 180) * 40_075_016.686) / (512 * 2 ** c.zoom);
	const most = metresPerPixel * 110;
	const power = 10 ** Math.floor(Math.log10(most));
	const length = ([5, 2, 1].find((f) => f * power <= most) ?? 1) * power;
	return (
		<span class="scale" style={{ width: `${length / metresPerPixel}px` }}>
			{distanceText(length)}
		</span>
	);
}

/** Says once what is wrong with the connection, and that the map still works. */
export function Banner() {
	if (!online.value) {
		return (
			<div class="banner card" role="status">
				<Icon name="cloudOff" />
				{t("banner.offline")}
			</div>
		);
	}
	if (tilesFailed.value) {
		return (
			<div class="banner card" role="status">
				<Icon name="alert" />
				{t("banner.tiles")}
			</div>
		);
	}
	return null;
}

/** A thin line while the first view is drawn; words when it takes long. */
export function Progress() {
	const [slow, setSlow] = useState(false);
	useEffect(() => {
		const timer = setTimeout(() => setSlow(true), 2000);
		return () => clearTimeout(timer);
	}, []);
	if (mapReady.value) return null;
	return (
		<div class="progress" role="status">
			<span class="progress-line" />
			<span class={slow ? "progress-text card" : "visually-hidden"}>{t("state.map")}</span>
		</div>
	);
}
