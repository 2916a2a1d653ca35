import { type Key, t } from "../i18n";
import { phone, setTheme, theme, update, view } from "../state/store";
import { copy } from "../state/toasts";
import type { Panel } from "../state/url";
import { LanguageSwitch } from "./Corner";
import { openStructure } from "./close";
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
