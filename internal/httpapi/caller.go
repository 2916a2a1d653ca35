package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/internal/access"
)

// Gate says who makes a request, and what they may do. It is asked once for each
// request, so it answers from memory; it is safe for concurrent use.
type Gate interface {
	// Identify says who makes the request, which came encrypted from the client or
	// not: nobody in particular when it shows nothing. A token that it shows and that
	// does not hold is *access.Refused, a 401: it is not quietly taken for nobody.
	Identify(req *http.Request, encrypted bool) (access.Principal, error)
	// View is what the principal may see and write just now.
	View(who access.Principal) catalog.View
	// Rights are what else the principal may do just now.
	Rights(who access.Principal) []access.Right
}

// tokenGate is the Gate of a server without accounts: the default policy, and the
// administrator's token.
type tokenGate struct {
	sum    [32]byte
	closed bool // there is no token: nobody is the administrator
	policy *access.Policy
}

var _ Gate = (*tokenGate)(nil)

func newTokenGate(token string) *tokenGate {
	return &tokenGate{sum: tokenSum(token), closed: token == "", policy: access.Default()}
}

// Identify implements Gate.
func (g *tokenGate) Identify(req *http.Request, _ bool) (access.Principal, error) {
	auth := req.Header["Authorization"]
	if len(auth) == 0 {
		return access.Principal{Kind: access.Anonymous}, nil
	}
	scheme, token, _ := strings.Cut(auth[0], " ")
	token = strings.TrimSpace(token)
	if len(auth) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return access.Principal{}, &access.Refused{Header: "Authorization", Reason: "Want one header Authorization: Bearer TOKEN."}
	}
	sum := tokenSum(token)
	if subtle.ConstantTimeCompare(sum[:], g.sum[:]) != 1 || g.closed {
		return access.Principal{}, &access.Refused{Header: "Authorization", Reason: "This token is not valid here."}
	}
	return access.Principal{Kind: access.Root, ID: "administrator", Name: "administrator"}, nil
}

// View implements Gate.
func (g *tokenGate) View(who access.Principal) catalog.View {
	return access.Compile(g.policy, who, nil)
}

// Rights implements Gate.
func (g *tokenGate) Rights(who access.Principal) []access.Right { return access.Rights(g.policy, who) }

// tokenSum makes tokens of any length comparable in constant time.
func tokenSum(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// identify finds out who asks and what they see.
func (r *request) identify() error {
	who, err := r.s.gate.Identify(r.Request(), r.encrypted())
	if err != nil {
		var refused *access.Refused
		if errors.As(err, &refused) {
			return newProblem(http.StatusUnauthorized, "unauthorized", refused.Header, refused.Reason)
		}
		return err
	}
	r.who, r.view = who, r.s.gate.View(who)
	return nil
}

// allowed refuses what the route asks of its callers and this one lacks. Which
// features a caller may write is for the handler to find.
func (r *request) allowed() error {
	if err := r.fromThisSite(); err != nil {
		return err
	}
	rt := r.route
	if rt == nil || !rt.write && rt.right == "" && !rt.session && !rt.account {
		return nil
	}
	if !r.who.Known() {
		return newProblem(http.StatusUnauthorized, "unauthorized", "Authorization", "This needs you to be signed in, or Authorization: Bearer TOKEN.")
	}
	if rt.right != "" && !r.may(rt.right) {
		return forbidden("This needs the right " + string(rt.right) + ", which none of your roles has.")
	}
	if (rt.session || rt.account) && r.who.Kind != access.Account && (rt.account || r.who.Kind != access.Citizen) {
		return forbidden("This is about the account of who is signed in; a token has none.")
	}
	return nil
}

// may reports whether the caller has the right.
func (r *request) may(right access.Right) bool {
	return slices.Contains(r.s.gate.Rights(r.who), right)
}

func forbidden(detail string) error {
	return newProblem(http.StatusForbidden, "forbidden", "", detail)
}

// callerLabel names the caller in the log, without what could be a name or contact.
func (r *request) callerLabel() string {
	if !r.who.Known() {
		return string(access.Anonymous)
	}
	if r.who.Kind == access.Citizen || r.who.ID == "" {
		return string(r.who.Kind)
	}
	return string(r.who.Kind) + ":" + r.who.ID
}
