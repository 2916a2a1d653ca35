// What those who are signed in do in a card: say why they need personal data,
// and change fields. Fetched when it is asked for.

export { EditForm } from "./EditForm";
export { PurposeForm } from "./PurposeForm";
