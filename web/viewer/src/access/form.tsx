import "../css/access.css";
// The pieces that the forms over the map are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { t } from "../i18n";
import { collections } from "../state/store";
import { copy } from "../state/toasts";
import { Icon } from "../ui/icons";
import { IconButton, reasons } from "../ui/parts";
import { say } from "./words";

export interface Action {
	readonly busy: boolean;
	readonly error: ApiError | null;
	/** Runs one thing at a time; gives whether it went well. */
	run(act: () => Promise<unknown>): Promise<boolean>;
	clear(): void;
}

/** Something that a button does: busy meanwhile, and what went wrong. */
export function useAction(): Action {
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState<ApiError | null>(null);
	return {
		busy,
		error,
		clear: () => setError(null),
		run: async (act) => {
			if (busy) return false;
			setBusy(true);
			setError(null);
			try {
				await act();
				return true;
			} catch (e) {
				setError(e instanceof ApiError ? e : new ApiError("server", String(e)));
				return false;
			} finally {
				setBusy(false);
			}
		},
	};
}

/** Says what went wrong: our words, and the server's where it names a place. */
export function Problem(props: { error: ApiError | null; children?: ComponentChildren }) {
	const e = props.error;
	if (!e && !props.children) return null;
	return (
		<div class="problem" role="alert">
			<Icon name="alert" size={20} />
			<div>
				<p>{props.children || (e && t(reasons[e.kind]))}</p>
				{e && !props.children && e.kind === "badRequest" && e.detail && <p class="muted">{e.detail}</p>}
			</div>
		</div>
	);
}

type InputType = "text" | "password" | "date" | "datetime-local" | "number" | "email" | "tel" | "search";

export function TextField(props: {
	label: string;
	value: string;
	onInput: (value: string) => void;
	type?: InputType;
	autocomplete?: string;
	note?: string;
	required?: boolean;
	focus?: boolean;
	numeric?: boolean;
	min?: string;
	max?: string;
	minLength?: number;
	/** Of a number: "any" where it has a fraction. */
	step?: string | undefined;
	list?: readonly string[];
	invalid?: boolean;
	disabled?: boolean;
}) {
	const id = useId();
	const input = useRef<HTMLInputElement>(null);
	// A field that appears as the next step takes the focus.
	useEffect(() => {
		if (props.focus) input.current?.focus();
	}, []);
	const note = props.note ? `${id}-note` : undefined;
	return (
		<div class="form-field">
			<label for={id}>{props.label}</label>
			<input
				ref={input}
				id={id}
				// One component for all of them: their attributes do not differ here.
				type={(props.type ?? "text") as "text"}
				value={props.value}
				onInput={(e) => props.onInput(e.currentTarget.value)}
				autocomplete={(props.autocomplete ?? "off") as "off"}
				autocapitalize="none"
				spellcheck={false}
				required={props.required}
				disabled={props.disabled}
				autofocus={props.focus}
				inputMode={props.numeric ? "numeric" : undefined}
				min={props.min}
				max={props.max}
				minLength={props.minLength}
				step={props.step}
				list={props.list ? `${id}-list` : undefined}
				aria-describedby={note}
				aria-invalid={props.invalid || undefined}
			/>
			{props.list && (
				<datalist id={`${id}-list`}>
					{props.list.map((v) => (
						<option key={v} value={v} />
					))}
				</datalist>
			)}
			{note && (
				<small id={note} class="form-note">
					{props.note}
				</small>
			)}
		</div>
	);
}

export function SelectField(props: {
	label: string;
	value: string;
	options: readonly (readonly [value: string, title: string])[];
	onChange: (value: string) => void;
}) {
	const id = useId();
	return (
		<div class="form-field">
			<label for={id}>{props.label}</label>
			<select id={id} value={props.value} onChange={(e) => props.onChange(e.currentTarget.value)}>
				{props.options.map(([value, title]) => (
					<option key={value} value={value}>
						{title}
					</option>
				))}
			</select>
		</div>
	);
}

/** The name of a collection, known to the reader or not. */
export function CollectionField(props: { value: string; onInput: (value: string) => void }) {
	const all = collections.value;
	const names = all.status === "ready" ? all.value.map((c) => c.name) : [];
	return <TextField label={say("audit.collection")} value={props.value} onInput={props.onInput} list={names} />;
}

/** Some of a list, each with a box to tick. */
export function Choices(props: {
	legend: string;
	note?: string;
	options: readonly (readonly [value: string, title: string])[];
	chosen: readonly string[];
	onChange: (chosen: string[]) => void;
}) {
	return (
		<fieldset class="choices">
			<legend>{props.legend}</legend>
			{props.note && <small class="form-note">{props.note}</small>}
			<div>
				{props.options.map(([value, title]) => (
					<label key={value}>
						<input
							type="checkbox"
							checked={props.chosen.includes(value)}
							onChange={(e) =>
								props.onChange(e.currentTarget.checked ? [...props.chosen, value] : props.chosen.filter((c) => c !== value))
							}
						/>
						{title}
					</label>
				))}
			</div>
		</fieldset>
	);
}

/** One of two or more ways, as a row of buttons. */
export function Segments<T extends string>(props: {
	label: string;
	options: readonly (readonly [value: T, title: string])[];
	value: T;
	onChange: (value: T) => void;
}) {
	return (
		<div class="segments" role="group" aria-label={props.label}>
			{props.options.map(([value, title]) => (
				<button type="button" key={value} aria-pressed={props.value === value} onClick={() => props.onChange(value)}>
					{title}
				</button>
			))}
		</div>
	);
}

/** A secret that is shown this once, to be taken away. */
export function Secret(props: { label: string; value: string; note: string }) {
	return (
		<div class="secret" role="status">
			<b>{props.label}</b>
			<p>
				<code>{props.value}</code>
				<IconButton icon="copy" label={say("copy")} onClick={() => void copy(props.value)} />
			</p>
			<p class="muted">{props.note}</p>
		</div>
	);
}

/** A button that asks once more before it does what cannot be undone. */
export function SureButton(props: { label: string; question: string; busy: boolean; onSure: () => void }) {
	const [asked, setAsked] = useState(false);
	if (!asked) {
		return (
			<button type="button" class="button danger" onClick={() => setAsked(true)}>
				{props.label}
			</button>
		);
	}
	return (
		<span class="sure" role="group" aria-label={props.question}>
			<span>{props.question}</span>
			<button type="button" class="button danger" autofocus disabled={props.busy} onClick={props.onSure}>
				{props.label}
			</button>
			<button type="button" class="button" onClick={() => setAsked(false)}>
				{say("cancel")}
			</button>
		</span>
	);
}
