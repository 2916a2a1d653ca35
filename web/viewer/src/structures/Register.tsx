import { useState } from "preact/hooks";
import { changesOf } from "../access/edit";
import { Problem, useAction } from "../access/form";
import { announce } from "../state/toasts";
import { Icon } from "../ui/icons";
import { mayRecord } from "./Actions";
import { newKey, register } from "./commands";
import { DrawOutline } from "./DrawOutline";
import { correctable, type Draft, emptyDraft } from "./draft";
import { Beginning, Values, WhenAndWhy } from "./Fields";
import { show } from "./parts";
import { refusalText } from "./refusal";
import { tell } from "./words";

/** Gives a structure that no survey has seen yet its number, for those who may. */
export function Register() {
	const [open, setOpen] = useState(false);
	if (!mayRecord()) return null;
	if (open) return <Form onClose={() => setOpen(false)} />;
	return (
		<button type="button" class="button" onClick={() => setOpen(true)}>
			<Icon name="plus" size={20} />
			{tell("act.register")}
		</button>
	);
}

function Form(props: { onClose: () => void }) {
	const [draft, setDraft] = useState<Draft>({ ...emptyDraft, status: "proposed" });
	const set = (patch: Partial<Draft>) => setDraft((d) => ({ ...d, ...patch }));
	const [key] = useState(newKey);
	const action = useAction();
	const act = () =>
		action.run(async () => {
			const properties = changesOf(correctable(), {}, draft.values);
			const uid = await register({ status: draft.status, geometry: draft.geometry, properties }, { ...draft, key });
			announce({ kind: "saved" });
			show({ uid });
		});
	return (
		<form
			class="card-form record-form"
			aria-label={tell("act.register")}
			onSubmit={(e) => {
				e.preventDefault();
				void act();
			}}
		>
			<h3>{tell("act.register")}</h3>
			<p class="muted">{tell("act.registerNote")}</p>
			<DrawOutline onOutline={(geometry) => set({ geometry })} />
			<Beginning value={draft.status} onChange={(status) => set({ status })} />
			<Values values={draft.values} onChange={(values) => set({ values })} />
			<WhenAndWhy draft={draft} set={set} dateNote={tell("act.dateNote")} />
			<Problem error={action.error}>{action.error && refusalText(action.error)}</Problem>
			<div class="button-row">
				<button type="submit" class="button primary" disabled={action.busy}>
					{tell("act.record")}
				</button>
				<button type="button" class="button" onClick={props.onClose}>
					{tell("act.cancel")}
				</button>
			</div>
		</form>
	);
}
