import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { kindOf } from "../api/client";
import type { Loadable } from "../state/store";
import { Failure, Skeleton } from "../ui/parts";

/** What a page shows, fetched when it opens or `key` changes, and again on demand. */
export function useLoaded<T>(load: () => Promise<T>, key = ""): readonly [Loadable<T>, () => void] {
	const [state, setState] = useState<Loadable<T>>({ status: "loading" });
	const [turn, setTurn] = useState(0);
	useEffect(() => setState({ status: "loading" }), [key]);
	useEffect(() => {
		let wanted = true;
		load()
			.then((value) => wanted && setState({ status: "ready", value }))
			.catch((e: unknown) => wanted && setState({ status: "error", kind: kindOf(e) }));
		return () => {
			wanted = false;
		};
	}, [key, turn]);
	return [state, () => setTurn((n) => n + 1)];
}

export function Loaded<T>(props: { state: Loadable<T>; again: () => void; children: (value: T) => ComponentChildren }) {
	if (props.state.status === "loading") return <Skeleton lines={6} />;
	if (props.state.status === "error") return <Failure kind={props.state.kind} retry={props.again} />;
	return <>{props.children(props.state.value)}</>;
}
