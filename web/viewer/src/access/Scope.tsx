import { city } from "../state/store";
import { Choices, TextField } from "./form";
import { departments, givenRoles, roleTitle } from "./names";
import { say } from "./words";

/** What an account or a token may be: its roles, and the department and wards that narrow them. */
export interface Scope {
	readonly roles: readonly string[];
	readonly department: string;
	readonly wards: readonly string[];
}

export function ScopeFields<S extends Scope>(props: { scope: S; onChange: (scope: S) => void }) {
	const { scope, onChange } = props;
	const wards = city.value?.wards ?? [];
	const all = [...new Set([...givenRoles(), ...scope.roles])];
	return (
		<>
			<Choices
				legend={say("account.roles")}
				options={all.map((r) => [r, roleTitle(r)] as const)}
				chosen={scope.roles}
				onChange={(roles) => onChange({ ...scope, roles })}
			/>
			<div class="narrow">
				<TextField
					label={say("account.department")}
					note={say("scope.departmentNote")}
					value={scope.department}
					onInput={(department) => onChange({ ...scope, department })}
					list={departments()}
				/>
			</div>
			{wards.length > 0 && (
				<Choices
					legend={say("account.wards")}
					note={say("scope.wardsNote")}
					options={wards.map((w) => [w, w] as const)}
					chosen={scope.wards}
					onChange={(chosen) => onChange({ ...scope, wards: wards.filter((w) => chosen.includes(w)) })}
				/>
			)}
		</>
	);
}
