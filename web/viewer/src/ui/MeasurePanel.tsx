import { areaOf, lengthOf } from "../format/geodesy";
import { t } from "../i18n";
import { measureClosed, measurePoints } from "../state/store";
import { copy } from "../state/toasts";
import { Icon } from "./icons";
import { areaText, distanceText } from "./text";

/** Distance along the points set on the map, and the area once they are closed. */
export function MeasurePanel() {
	const points = measurePoints.value;
	const closed = measureClosed.value;
	const first = points[0];
	const length = lengthOf(closed && first ? [...points, first] : points);
	const area = areaOf(points);
	return (
		<div class="measure">
			<p class="hint">{t(points.length === 0 ? "measure.start" : closed ? "measure.done" : "measure.next")}</p>
			<dl class="measure-figures" aria-live="polite">
				<div>
					<dt>{t(closed ? "measure.perimeter" : "measure.distance")}</dt>
					<dd id="measure-distance">{distanceText(length)}</dd>
				</div>
				{points.length > 2 && (
					<div>
						<dt>{t("measure.area")}</dt>
						<dd id="measure-area">{areaText(area)}</dd>
					</div>
				)}
			</dl>
			<div class="button-row">
				<button
					type="button"
					class="button"
					disabled={points.length === 0}
					onClick={() => {
						if (measureClosed.value) measureClosed.value = false;
						else measurePoints.value = points.slice(0, -1);
					}}
				>
					<Icon name="undo" />
					{t("measure.undo")}
				</button>
				<button
					type="button"
					class="button"
					disabled={points.length < 3 || closed}
					onClick={() => {
						measureClosed.value = true;
					}}
				>
					<Icon name="check" />
					{t("measure.close")}
				</button>
				<button
					type="button"
					class="button"
					disabled={points.length === 0}
					onClick={() => {
						measurePoints.value = [];
						measureClosed.value = false;
					}}
				>
					<Icon name="trash" />
					{t("measure.clear")}
				</button>
				<button
					type="button"
					class="button"
					disabled={points.length < 2}
					onClick={() => void copy(closed ? `${areaText(area)}, ${distanceText(length)}` : distanceText(length))}
				>
					<Icon name="copy" />
					{t("measure.copy")}
				</button>
			</div>
			<p class="muted">{t("measure.note")}</p>
		</div>
	);
}
