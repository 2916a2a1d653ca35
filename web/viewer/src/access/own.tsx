// The reader's own pages: account, and who looked at their records.

import { view } from "../state/store";
import { AccountPage } from "./AccountPage";
import { Frame } from "./Frame";
import { ReadersPage } from "./ReadersPage";

export function OwnPage() {
	return <Frame>{view.value.page?.name === "readers" ? <ReadersPage /> : <AccountPage />}</Frame>;
}
