import { formatNumber } from "../format/numbers";
import { type Key, language, t } from "../i18n";
import { desksSeen, myFindings, openFindings, openReviews } from "../state/duties";
import { me } from "../state/me";
import { phone, setTheme, theme, update, view } from "../state/store";
import { copy } from "../state/toasts";
import type { Panel } from "../state/url";
import { LanguageSwitch } from "./Corner";
import { openDesk, openStructure } from "./close";
import { Icon, type IconName } from "./icons";
import { MenuBox } from "./MenuBox";
import { IconButton } from "./parts";
import { ReaderItems } from "./Reader";

/** The menu behind the search card: what can be done with this map. */
export function Menu() {
	return (
		<MenuBox button={(open, toggle) => <IconButton icon="menu" label={t("menu.title")} expanded={open} onClick={toggle} />}>
			{(close) => <Entries close={close} />}
		</MenuBox>
	);
}

function Entries(props: { close: () => void }) {
	const panel = (p: Panel, icon: IconName, key: Key) => (
		<li>
			<button
				type="button"
				onClick={() => {
					props.close();
					update({ panel: p });
				}}
			>
				<Icon name={icon} />
				{t(key)}
			</button>
		</li>
	);
	return (
		<>
			<ul>
				{panel("layers", "layers", "panel.layers")}
				{panel("near", "near", "panel.near")}
				{panel("list", "list", "panel.list")}
				{panel("measure", "measure", "panel.measure")}
				{(me.value?.may_write.length ?? 0) > 0 && panel("draw", "edit", "panel.draw")}
				<li>
					<button
						type="button"
						onClick={() => {
							props.close();
							openStructure("");
						}}
					>
						<Icon name="structure" />
						{t("menu.structures")}
					</button>
				</li>
				{desksSeen.value.findings && (
					<li>
						<button
							type="button"
							onClick={() => {
								props.close();
								openDesk("findings", myFindings());
							}}
						>
							<Icon name="flag" />
							{t("menu.findings")}
							{openFindings.value !== null && openFindings.value > 0 && (
								<span class="badge">{formatNumber(openFindings.value, language.value)}</span>
							)}
						</button>
					</li>
				)}
				{desksSeen.value.reviews && (
					<li>
						<button
							type="button"
							onClick={() => {
								props.close();
								openDesk("reviews");
							}}
						>
							<Icon name="alike" />
							{t("menu.reviews")}
							{(openReviews.value ?? 0) > 0 && <span class="badge">{formatNumber(openReviews.value ?? 0, language.value)}</span>}
						</button>
					</li>
				)}
				<li>
					<button
						type="button"
						onClick={() => {
							props.close();
							void copy(location.href);
						}}
					>
						<Icon name="link" />
						{t("menu.share")}
					</button>
				</li>
				{panel("help", "help", "panel.help")}
				{phone.value && <ReaderItems close={props.close} />}
			</ul>
			{phone.value && (
				<div class="menu-settings">
					<LanguageSwitch />
					<button type="button" class="button" onClick={() => setTheme(theme.value === "dark" ? "light" : "dark")}>
						<Icon name={theme.value === "dark" ? "sun" : "moon"} />
						{t(theme.value === "dark" ? "theme.light" : "theme.dark")}
					</button>
					<button type="button" class="button" onClick={() => update({ threeD: !view.value.threeD })}>
						<Icon name={view.value.threeD ? "flat" : "cube"} />
						{t(view.value.threeD ? "map.2d" : "map.3d")}
					</button>
				</div>
			)}
		</>
	);
}
