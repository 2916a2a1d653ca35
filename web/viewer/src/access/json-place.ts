// Finds the place in a JSON text that a path such as roles.officer.grants[2].class
// names, so that an editor can show what the server refused.

export interface Place {
	readonly start: number;
	readonly end: number;
}

/** The steps of a path: names and positions. */
export function stepsOf(path: string): readonly (string | number)[] {
	return [...path.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map((m) =>
		m[1] !== undefined ? Number(m[1]) : (m[2] ?? m[3] ?? ""),
	);
}

/** Where the value at the path stands; the nearest one around it where the path goes further than the text. */
export function placeOf(text: string, path: string): Place | null {
	const steps = stepsOf(path);
	const reader = new Reader(text);
	try {
		return reader.find(steps);
	} catch {
		return null;
	}
}

class Reader {
	private at = 0;

	constructor(private readonly text: string) {}

	find(steps: readonly (string | number)[]): Place {
		this.space();
		const start = this.at;
		const [step, ...rest] = steps;
		const open = this.text[this.at];
		if (step !== undefined && (open === "{" || open === "[")) {
			const inner = this.inside(open, step, rest);
			if (inner) return inner;
			this.at = start;
		}
		this.skip();
		return { start, end: this.at };
	}

	/** Walks an object's members or an array's elements until `step`. */
	private inside(open: string, step: string | number, rest: readonly (string | number)[]): Place | null {
		this.at++;
		for (let i = 0; ; i++) {
			this.space();
			if (this.text[this.at] === "}" || this.text[this.at] === "]") return null;
			let key: string | number = i;
			if (open === "{") {
				const from = this.at;
				this.skip();
				key = JSON.parse(this.text.slice(from, this.at)) as string;
				this.space();
				this.expect(":");
			}
			if (key === step || String(key) === String(step)) return this.find(rest);
			this.space();
			this.skip();
			this.space();
			if (this.text[this.at] === ",") this.at++;
		}
	}

	/** Goes past one value. */
	private skip(): void {
		const c = this.text[this.at];
		if (c === '"') {
			for (this.at++; this.text[this.at] !== '"'; this.at++) {
				if (this.text[this.at] === "\\") this.at++;
				if (this.at >= this.text.length) throw new SyntaxError("a string without an end");
			}
			this.at++;
		} else if (c === "{" || c === "[") {
			this.at++;
			for (;;) {
				this.space();
				const next = this.text[this.at];
				if (next === undefined) throw new SyntaxError("a list without an end");
				if (next === "}" || next === "]") break;
				if (next === "," || next === ":") this.at++;
				else this.skip();
			}
			this.at++;
		} else {
			const m = /^[^\s,:[\]{}]+/.exec(this.text.slice(this.at));
			if (!m) throw new SyntaxError("no value");
			this.at += m[0].length;
		}
	}

	private space(): void {
		while (/\s/.test(this.text[this.at] ?? "")) this.at++;
	}

	private expect(c: string): void {
		if (this.text[this.at] !== c) throw new SyntaxError(`${c} expected`);
		this.at++;
	}
}
