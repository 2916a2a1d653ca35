// A structure's page and the way to it; fetched when one is opened.

export { StructurePanel } from "./StructurePanel";
