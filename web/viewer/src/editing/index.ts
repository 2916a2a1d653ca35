// Drawing and changing what departments keep; fetched when it is asked for.

export { DrawPanel } from "./DrawPanel";
export { OwnThings } from "./OwnThings";
