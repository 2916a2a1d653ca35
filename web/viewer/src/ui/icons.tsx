// The interface's own line icons, 24 by 24, drawn for this project; the Maki
// shapes stay on the map and beside its features.

import { categoryOf, groupColors } from "../facilities/categories";
import { makiPath } from "../facilities/maki";

const paths = {
	search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm5 11.5L20 20",
	close: "M6 6l12 12M18 6 6 18",
	menu: "M4 7h16M4 12h16M4 17h16",
	layers: "M12 4 3.5 8.5 12 13l8.500-4.500L12 4ZM4 12.500 12 17l8-4.500M4 16.500 12 21l8-4.500",
	list: "M9 6h11M9 12h11M9 18h11M4.500 6h.01M4.500 12h.01M4.500 18h.01",
	locate: "M12 7a5 5 0 1 1 0 10 5 5 0 0 1 0-10ZM12 2.500V7M12 17v4.500M2.500 12H7M17 12h4.500",
	near: "M12 21s-6.500-5.800-6.500-11a6.500 6.500 0 0 1 13 0c0 5.200-6.500 11-6.500 11Zm0-8.600a2.400 2.400 0 1 0 0-4.800 2.400 2.400 0 0 0 0 4.800Z",
	measure: "M3.500 15.500 15.500 3.500l5 5-12 12-5-5ZM7 12l2 2M10 9l2.500 2.500M13 6l2 2",
	plus: "M12 5v14M5 12h14",
	minus: "M5 12h14",
	compass: "M12 3l3.500 9h-7L12 3Zm0 18-3.500-9h7L12 21Z",
	cube: "M12 3l8 4.500v9L12 21l-8-4.500v-9L12 3Zm0 9 8-4.500M12 12v9M12 12 4 7.500",
	flat: "M3 9l6-3 6 3 6-3v10l-6 3-6-3-6 3V9Zm6-3v10m6-7v10",
	sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
	moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500Z",
	copy: "M9 9h10v11H9zM5 15V4h10",
	link: "M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
	zoom: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
	chevron: "M6 9l6 6 6-6",
	back: "M15 5l-7 7 7 7",
	undo: "M9 7 4.500 11.500 9 16M5 11.500h9a5 5 0 0 1 0 10h-2",
	trash: "M4 7h16M9 7V4h6v3M6.500 7l1 13h9l1-13",
	help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 17.500h.01M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Z",
	clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Zm0 4.500V12l3 2",
	phone:
		"M6 3h3l2 5-2.500 1.500a11 11 0 0 0 6 6L16 13l5 2v3a2.500 2.500 0 0 1-2.700 2.500A16.500 16.500 0 0 1 3.500 5.700 2.500 2.500 0 0 1 6 3Z",
	pin: "M12 21s-6.500-5.800-6.500-11a6.500 6.500 0 0 1 13 0c0 5.200-6.500 11-6.500 11Z",
	cloudOff:
		"M4 4l16 16M8 18h9a4 4 0 0 0 1.500-.3M20.500 15.500A4 4 0 0 0 17 10a6 6 0 0 0-7-3.700M7 8.500A4.800 4.800 0 0 0 7.500 18",
	eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12Zm9.500-3a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z",
	check: "M5 12.500l4.500 4.500L19 7.500",
	alike: "M4 10c3-4 6-4 8-2s5 2 8-2M4 18c3-4 6-4 8-2s5 2 8-2",
	flag: "M6 21V4h12l-2.500 4L18 12H6",
	person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM4.500 20.500c.5-3.800 3.500-5.500 7.500-5.500s7 1.700 7.500 5.500",
	people:
		"M9 5a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7ZM2.500 20c.4-3.500 2.800-5 6.500-5s6.100 1.500 6.500 5M16 5.300a3.500 3.500 0 0 1 0 6.500M18 15.300c2 .7 3.200 2.200 3.500 4.700",
	key: "M8 11a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9Zm3.200 1.300L20 3.500M16 7.500l3 3",
	leave: "M10 4H5v16h5M14 8l4 4-4 4M9 12h9",
	edit: "M4 20l1-4L16 5l3 3L8 19l-4 1ZM14 7l3 3",
	shield: "M12 3l7.500 3v5.500c0 4.500-3 7.800-7.500 9.500-4.500-1.700-7.500-5-7.500-9.500V6L12 3Z",
	download: "M12 4v11M7.500 11l4.500 4.500 4.500-4.500M4 20h16",
	structure: "M5 21V6l7-3 7 3v15M3 21h18M9 9h.01M15 9h.01M9 13h.01M15 13h.01M10 21v-4h4v4",
	print: "M7 9V3h10v6M7 17H4V9h16v8h-3M7 14h10v7H7z",
	split: "M12 21v-7M12 14 6 8V4M12 14l6-6V4",
	alert: "M12 4 2.500 20h19L12 4Zm0 6v4.500M12 17.500h.01",
	language: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18",
} as const;

export type IconName = keyof typeof paths;

export function Icon(props: { name: IconName; size?: number }) {
	const s = props.size ?? 22;
	return (
		<svg
			class="icon"
			width={s}
			height={s}
			viewBox="0 0 24 24"
			fill="none"
			stroke="currentColor"
			stroke-width="1.9"
			stroke-linecap="round"
			stroke-linejoin="round"
			aria-hidden="true"
			focusable="false"
		>
			<path d={paths[props.name]} />
		</svg>
	);
}

/** A category's icon as it is on the map. */
export function CategoryIcon(props: { category: unknown; size?: number }) {
	const c = categoryOf(props.category);
	const s = props.size ?? 28;
	return (
		<svg class="category-icon" width={s} height={s} viewBox="0 0 26 26" aria-hidden="true" focusable="false">
			<circle cx="13" cy="13" r="13" fill={groupColors[c.group]} />
			<path d={makiPath(c.icon)} fill="#fff" transform="translate(5.500 5.500)" />
		</svg>
	);
}
