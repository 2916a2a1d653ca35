package access

// Kind says how somebody came to be known.
type Kind string

// The kinds of principals.
const (
	Anonymous Kind = "anonymous" // nobody in particular: what is public
	Citizen   Kind = "citizen"   // a contact verified by a one-time code
	Account   Kind = "account"   // a member of staff, signed in here or by OpenID Connect
	Token     Kind = "token"     // a device, department or agency with an API token
	Root      Kind = "root"      // the bearer of the administrator's token
)

// Principal is who makes a request. The zero Principal is nobody.
type Principal struct {
	Kind       Kind
	ID         string   // stable, opaque, never reused; "" for nobody
	Name       string   // to show, and for the audit
	Roles      []string // names of the policy's roles, sorted
	Department string   // owner department of collections, as Collection.Owner; "" for none
	Wards      []string // area of work, names of wards, sorted; none: the whole city
	Contact    string   // of a citizen: verified phone (E.164) or e-mail
	Purpose    string   // why personal data is read, one of the policy's purposes; "" when not said
	Session    string   // public id of the session or token, for the audit; never the secret

	Collections []string // of a token: nothing beyond these; none: what its roles allow
}

// Known reports whether somebody in particular asks.
func (p Principal) Known() bool { return p.Kind != "" && p.Kind != Anonymous }

// Refused says why what a request shows of who makes it does not hold.
type Refused struct {
	Header string // the part of the request that is wrong, such as Authorization
	Reason string // a sentence for the caller
}

func (e *Refused) Error() string { return e.Header + ": " + e.Reason }

// Right is what a role may do beside reading and writing features.
type Right string

// The rights.
const (
	DefineCollections Right = "define"   // create and alter collections
	ManageAccounts    Right = "accounts" // accounts and tokens of others
	ManagePolicy      Right = "policy"   // roles, grants, purposes, retention
	ReadAudit         Right = "audit"    // the audit log, and breach reports
	Erase             Right = "erase"    // personal data, in history too
	AddReadings       Right = "readings" // to the datastreams that one sees, as a device does
)

var rights = []Right{DefineCollections, ManageAccounts, ManagePolicy, ReadAudit, Erase, AddReadings}
