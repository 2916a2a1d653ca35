import { categoryOf, groupColors } from "../facilities/categories";
import { makiPath } from "../facilities/maki";

/** Drawn at twice the size, so that they are sharp on dense screens. */
export const iconRatio = 2;
const size = 24;

/** Draws the image of "facility:<category>": a white shape on a disc in its group's colour. */
export function drawIcon(id: string): ImageData | null {
	if (!id.startsWith("facility:")) return null;
	const category = categoryOf(id.slice("facility:".length));
	const canvas = document.createElement("canvas");
	const px = size * iconRatio;
	canvas.width = px;
	canvas.height = px;
	const g = canvas.getContext("2d");
	if (!g) return null;
	g.beginPath();
	g.arc(px / 2, px / 2, px / 2 - 2, 0, 2 * Math.PI);
	g.fillStyle = groupColors[category.group];
	g.fill();
	g.lineWidth = 2.5;
	g.strokeStyle = "rgba(255,255,255,0.95)";
	g.stroke();
	// Maki shapes are 15 units wide; here they take 58 % of the disc.
	const scale = (px * 0.58) / 15;
	g.translate((px - 15 * scale) / 2, (px - 15 * scale) / 2);
	g.scale(scale, scale);
	g.fillStyle = "#FFFFFF";
	g.fill(new Path2D(makiPath(category.icon)));
	return g.getImageData(0, 0, px, px);
}
