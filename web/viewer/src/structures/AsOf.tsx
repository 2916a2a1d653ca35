import { parseDay } from "../state/url";
import { Icon } from "../ui/icons";
import { show } from "./parts";
import { today } from "./text";
import { tell } from "./words";

/** The day the page shows, and the one it is compared with. */
export function AsOf(props: { asof: string; than: string | null }) {
	const { asof, than } = props;
	const comparing = than !== null;
	return (
		<div class="asof">
			<Day label={tell("asof.label")} value={asof} onChange={(day) => show({ asof: day })} />
			{comparing && <Day label={tell("asof.than")} value={than} onChange={(day) => show({ than: day })} />}
			<button
				type="button"
				class="button"
				aria-pressed={comparing}
				onClick={() => show({ than: comparing ? null : asof === "" ? yearBefore() : "" })}
			>
				<Icon name={comparing ? "close" : "split"} size={20} />
				{tell(comparing ? "asof.stop" : "asof.compare")}
			</button>
		</div>
	);
}

function Day(props: { label: string; value: string; onChange: (day: string) => void }) {
	const { label, value, onChange } = props;
	return (
		<div class="day" role="group" aria-label={label}>
			<span class="muted">{label}</span>
			<div>
				<button type="button" class="chip-button" aria-pressed={value === ""} onClick={() => value !== "" && onChange("")}>
					{tell("asof.today")}
				</button>
				<input
					type="date"
					aria-label={`${label}: ${tell("asof.day")}`}
					title={tell("asof.day")}
					class={value === "" ? "" : "chosen"}
					value={value}
					max={today()}
					// While a year is typed the field holds years of antiquity; leaving it settles it.
					onChange={(e) => {
						const day = parseDay(e.currentTarget.value);
						if (day === "" || day >= "1600-01-01") onChange(day > today() ? "" : day);
					}}
				/>
			</div>
		</div>
	);
}

function yearBefore(): string {
	const day = today();
	const before = `${Number(day.slice(0, 4)) - 1}${day.slice(4)}`;
	// 29 February has no day a year earlier.
	return parseDay(before) || `${before.slice(0, 8)}28`;
}
