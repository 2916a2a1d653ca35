import { formatNumber } from "../format/numbers";
import { language } from "../i18n";
import { unitName } from "../ui/text";

/** "24 m"; "" where it is not known. */
export function heightText(metres: number | undefined): string {
	return metres ? `${formatNumber(metres, language.value, 0)} ${unitName("m")}` : "";
}
