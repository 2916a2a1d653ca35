// The structures looked at in this visit, newest first. They end with the window:
// at a shared desk nobody sees what the one before was after.

const key = "nagar.structures";
const most = 6;

export function recent(): readonly string[] {
	try {
		const list: unknown = JSON.parse(sessionStorage.getItem(key) ?? "[]");
		return Array.isArray(list) ? list.filter((u): u is string => typeof u === "string").slice(0, most) : [];
	} catch {
		return [];
	}
}

export function remember(uid: string): void {
	try {
		sessionStorage.setItem(key, JSON.stringify([uid, ...recent().filter((u) => u !== uid)].slice(0, most)));
	} catch {
		// Blocked storage: there is no list then.
	}
}
