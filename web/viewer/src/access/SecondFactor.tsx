import { useMemo, useState } from "preact/hooks";
import { encode } from "uqr";
import { beginTotp, disableTotp, enableTotp } from "../api/access";
import { checkReader, me } from "../state/me";
import { announce, copy } from "../state/toasts";
import { IconButton } from "../ui/parts";
import { Problem, TextField, useAction } from "./form";
import { say } from "./words";

/** Switches the second factor on, with a picture for the app, or off. */
export function SecondFactor() {
	const on = me.value?.second_factor === true;
	const [begun, setBegun] = useState<{ secret: string; uri: string } | null>(null);
	const [ending, setEnding] = useState(false);
	const [code, setCode] = useState("");
	const action = useAction();
	const finish = async (act: () => Promise<void>) => {
		if (!(await action.run(act))) return;
		setBegun(null);
		setEnding(false);
		setCode("");
		announce({ kind: "saved" });
		await checkReader();
	};
	const form = begun !== null || ending;
	return (
		<section class="page-section">
			<h3>{say("totp.title")}</h3>
			<p>{say(on ? "totp.on" : "totp.off")}</p>
			{begun && (
				<div class="totp">
					<QrCode text={begun.uri} />
					<div>
						<p>{say("totp.scan")}</p>
						<p class="secret-line">
							<code>{begun.secret}</code>
							<IconButton icon="copy" label={say("copy")} onClick={() => void copy(begun.secret)} />
						</p>
					</div>
				</div>
			)}
			{form && (
				<form
					class="narrow"
					onSubmit={(e) => {
						e.preventDefault();
						void finish(() => (begun ? enableTotp(code.trim()) : disableTotp(code.trim())));
					}}
				>
					<TextField
						label={say("totp.code")}
						value={code}
						onInput={setCode}
						autocomplete="one-time-code"
						numeric
						required
						focus
					/>
					<Problem error={action.error}>
						{action.error && action.error.kind !== "offline" && action.error.kind !== "tooMany" ? say("signin.wrongCode") : ""}
					</Problem>
					<div class="button-row">
						<button type="submit" class="button primary" disabled={action.busy}>
							{say(begun ? "totp.enable" : "totp.disable")}
						</button>
						<button
							type="button"
							class="button"
							onClick={() => {
								setBegun(null);
								setEnding(false);
								action.clear();
							}}
						>
							{say("cancel")}
						</button>
					</div>
				</form>
			)}
			{!form && (
				<>
					<Problem error={action.error} />
					<button
						type="button"
						class="button"
						disabled={action.busy}
						onClick={() => (on ? setEnding(true) : void action.run(async () => setBegun(await beginTotp())))}
					>
						{say(on ? "totp.disable" : "totp.begin")}
					</button>
				</>
			)}
		</section>
	);
}

/** The picture that an authenticator app reads: dark on light in either theme. */
function QrCode(props: { text: string }) {
	const { size, path } = useMemo(() => {
		const code = encode(props.text, { ecc: "M", border: 4 });
		const dark = code.data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x} ${y}h1v1h-1z`] : [])));
		return { size: code.size, path: dark.join("") };
	}, [props.text]);
	return (
		<svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={say("totp.picture")} shape-rendering="crispEdges">
			<rect width={size} height={size} fill="#fff" />
			<path d={path} fill="#000" />
		</svg>
	);
}
