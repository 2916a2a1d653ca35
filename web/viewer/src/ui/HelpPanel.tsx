import { type Key, t, words } from "../i18n";
import { city, synthetic } from "../state/store";

const keys: readonly (readonly [string, Key])[] = [
	["/", "help.search"],
	["← ↑ → ↓", "help.pan"],
	["+ −", "help.zoom"],
	["⇧ ← →", "help.rotate"],
	["⇧ ↑ ↓", "help.tilt"],
	["↵", "help.select"],
	["⇧ F10", "help.here"],
	["Esc", "help.back"],
];

/** How to work the map, and what it shows. */
export function HelpPanel() {
	return (
		<div class="help">
			<h3>{t("help.keys")}</h3>
			<dl class="keys">
				{keys.map(([key, text]) => (
					<div key={text}>
						<dt>
							<kbd>{key}</kbd>
						</dt>
						<dd>{t(text)}</dd>
					</div>
				))}
			</dl>
			<h3>{t("help.touch")}</h3>
			<p>{t("help.touchText")}</p>
			<h3>{t("help.data")}</h3>
			{synthetic.value && <p>{t("synthetic.long")}</p>}
			<p>{t("help.dataText", { city: words(city.value?.title) || t("search.thisCity") })}</p>
		</div>
	);
}
