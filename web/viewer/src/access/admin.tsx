// The pages of those who look after accounts, policy and audit.

import { useEffect } from "preact/hooks";
import { hasRight } from "../state/me";
import { view } from "../state/store";
import { AccountsPage } from "./AccountsPage";
import { AuditPage } from "./AuditPage";
import { Frame } from "./Frame";
import { loadRoles } from "./names";
import { PolicyPage } from "./PolicyPage";
import { TokensPage } from "./TokensPage";

export function AdminPage() {
	const mayRead = hasRight("policy");
	useEffect(() => {
		if (mayRead) void loadRoles();
	}, [mayRead]);
	return (
		<Frame>
			<Body />
		</Frame>
	);
}

function Body() {
	switch (view.value.page?.name) {
		case "accounts":
			return <AccountsPage />;
		case "tokens":
			return <TokensPage />;
		case "policy":
			return <PolicyPage />;
		case "audit":
			return <AuditPage />;
		default:
			return null;
	}
}
