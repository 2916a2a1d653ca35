import { t } from "../i18n";
import { fitBox } from "../map/camera";
import { dismiss, type Notice, notices } from "../state/toasts";
import { Icon, type IconName } from "./icons";
import { IconButton, reasons } from "./parts";
import { collectionNamed, collectionTitle } from "./text";

function wordsOf(n: Notice): readonly [IconName, string] {
	switch (n.kind) {
		case "newLayer":
			return ["layers", t("notice.newLayer", { name: collectionTitle(n.collection) })];
		case "copied":
			return ["check", t("notice.copied")];
		case "copyFailed":
			return ["alert", t("notice.copyFailed")];
		case "signedIn":
			return ["person", t("me.signedIn", { name: n.name })];
		case "signedOut":
			return ["leave", t("me.signedOut")];
		case "saved":
			return ["check", t("notice.saved")];
		case "failed":
			return ["alert", t(reasons[n.reason])];
		case "place":
			return [
				"locate",
				t(n.reason === "insecure" ? "place.insecure" : n.reason === "denied" ? "place.denied" : "place.unavailable"),
			];
	}
}

export function Notices() {
	return (
		<div class="notices" role="status" aria-live="polite">
			{notices.value.map(({ id, notice }) => {
				const [icon, text] = wordsOf(notice);
				const box = notice.kind === "newLayer" ? collectionNamed(notice.collection)?.bbox : undefined;
				return (
					<div key={id} class="notice card">
						<Icon name={icon} size={20} />
						<span>{text}</span>
						{box?.length === 4 && (
							<button type="button" class="link-button" onClick={() => fitBox(box)}>
								{t("notice.show")}
							</button>
						)}
						<IconButton class="small" icon="close" label={t("notice.close")} onClick={() => dismiss(id)} />
					</div>
				);
			})}
		</div>
	);
}
