import { useEffect, useRef, useState } from "preact/hooks";
import { me, setPurpose } from "../state/me";
import { Problem, useAction } from "./form";
import { purposeTitle } from "./names";
import { say } from "./words";

/** Asks for what personal data is needed; with an answer it is shown, and every look noted. */
export function PurposeForm(props: { onClose: () => void }) {
	const purposes = me.value?.purposes ?? [];
	const [chosen, setChosen] = useState("");
	const action = useAction();
	const form = useRef<HTMLFormElement>(null);
	useEffect(() => form.current?.querySelector("input")?.focus(), []);
	return (
		<form
			ref={form}
			class="card-form"
			onSubmit={(e) => {
				e.preventDefault();
				if (chosen) void action.run(() => setPurpose(chosen)).then((done) => done && props.onClose());
			}}
		>
			<fieldset class="choices">
				<legend>{say("ask.title")}</legend>
				{purposes.map((p) => (
					<label key={p.id}>
						<input type="radio" name="purpose" value={p.id} required checked={chosen === p.id} onChange={() => setChosen(p.id)} />
						{purposeTitle(p.id)}
					</label>
				))}
			</fieldset>
			<p class="muted">{say("ask.note")}</p>
			<Problem error={action.error} />
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy || !chosen}>
					{say("ask.show")}
				</button>
				<button type="button" class="button" onClick={props.onClose}>
					{say("cancel")}
				</button>
			</div>
		</form>
	);
}
