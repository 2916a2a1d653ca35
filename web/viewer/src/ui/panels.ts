// The panels, in one file of their own: none is needed for the first view.

export { CardPanel } from "./CardPanel";
export { HelpPanel } from "./HelpPanel";
export { LayersPanel } from "./LayersPanel";
export { ListPanel } from "./ListPanel";
export { MeasurePanel } from "./MeasurePanel";
export { NearPanel } from "./NearPanel";
