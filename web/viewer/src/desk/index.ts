// The departments' desks beside the map; fetched when one is opened.

export { DeskPanel } from "./DeskPanel";
