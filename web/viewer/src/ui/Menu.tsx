import { useEffect, useRef, useState } from "preact/hooks";
import { type Key, t } from "../i18n";
import { phone, setTheme, theme, update, view } from "../state/store";
import { copy } from "../state/toasts";
import type { Panel } from "../state/url";
import { LanguageSwitch } from "./Corner";
import { Icon, type IconName } from "./icons";
import { IconButton } from "./parts";

/** The menu behind the search card: what can be done with this map. */
export function Menu() {
	const [open, setOpen] = useState(false);
	const box = useRef<HTMLDivElement>(null);
	useEffect(() => {
		if (!open) return;
		const outside = (e: Event) => {
			if (!box.current?.contains(e.target as Node)) setOpen(false);
		};
		const onEscape = (e: KeyboardEvent) => {
			if (e.key !== "Escape") return;
			setOpen(false);
			box.current?.querySelector("button")?.focus();
			e.stopPropagation();
		};
		addEventListener("pointerdown", outside);
		addEventListener("keydown", onEscape, true);
		return () => {
			removeEventListener("pointerdown", outside);
			removeEventListener("keydown", onEscape, true);
		};
	}, [open]);

	const panel = (p: Panel, icon: IconName, key: Key) => (
		<li>
			<button
				type="button"
				onClick={() => {
					setOpen(false);
					update({ panel: p });
				}}
			>
				<Icon name={icon} />
				{t(key)}
			</button>
		</li>
	);
	return (
		<div class="menu" ref={box}>
			<IconButton icon="menu" label={t("menu.title")} expanded={open} onClick={() => setOpen(!open)} />
			{open && (
				<div class="menu-list card">
					<ul>
						{panel("layers", "layers", "panel.layers")}
						{panel("near", "near", "panel.near")}
						{panel("list", "list", "panel.list")}
						{panel("measure", "measure", "panel.measure")}
						<li>
							<button
								type="button"
								onClick={() => {
									setOpen(false);
									void copy(location.href);
								}}
							>
								<Icon name="link" />
								{t("menu.share")}
							</button>
						</li>
						{panel("help", "help", "panel.help")}
					</ul>
					{phone.value && (
						<div class="menu-settings">
							<LanguageSwitch />
							<button type="button" class="button" onClick={() => setTheme(theme.value === "dark" ? "light" : "dark")}>
								<Icon name={theme.value === "dark" ? "sun" : "moon"} />
								{t(theme.value === "dark" ? "theme.light" : "theme.dark")}
							</button>
							<button type="button" class="button" onClick={() => update({ threeD: !view.value.threeD })}>
								<Icon name={view.value.threeD ? "flat" : "cube"} />
								{t(view.value.threeD ? "map.2d" : "map.3d")}
							</button>
						</div>
					)}
				</div>
			)}
		</div>
	);
}
