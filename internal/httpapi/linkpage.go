package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"

	"golang.org/x/text/language"
)

const typeForm = "application/x-www-form-urlencoded"

// linkStyle is the page's whole style; its hash is in the page's policy.
const linkStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto;padding:0 1rem;color:#1c2b33;background:#f5f7f8}` +
	`h1{font-size:1.4rem}button,input{font:inherit;padding:.6rem 1rem;border-radius:.4rem;border:1px solid #8a9aa3;box-sizing:border-box;width:100%;margin:.4rem 0}` +
	`button{background:#0b5c7a;color:#fff;border-color:#0b5c7a;cursor:pointer}p[role=alert]{color:#a1260d}` +
	`@media(prefers-color-scheme:dark){body{background:#12181c;color:#e4ebee}input{background:#1d262c;color:inherit}p[role=alert]{color:#ff9b85}}`

var linkTemplate = template.Must(template.New("link").Parse(`<!doctype html>
<html lang="{{.Lang}}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.T.Title}}</title><style>` + linkStyle + `</style>
<h1>{{.T.Title}}</h1>
{{with .Problem}}<p role="alert">{{.}}</p>{{end}}
{{if .Token}}<p>{{.T.Text}}</p>
<form method="post" action="{{.Base}}/auth/link"><input type="hidden" name="token" value="{{.Token}}">
{{if .Code}}<label>{{.T.Code}}<input name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus></label>
{{end}}<button>{{.T.Button}}</button></form>{{end}}
</html>
`))

type linkTexts struct{ Title, Text, Code, Button, Used, Failed string }

var linkLanguages = language.NewMatcher([]language.Tag{language.English, language.Marathi, language.Hindi})

var linkWords = []struct {
	lang string
	linkTexts
}{
	{"en", linkTexts{"Sign in", "This link signs you in once, in this browser.", "Code of your second factor", "Sign in", "This link is not valid, or has been used. Please ask for another.", "Signing in did not work, or was not begun in this browser. Please try again."}},
	{"mr", linkTexts{"साइन इन करा", "या दुव्याने तुम्ही या ब्राउझरमध्ये एकदाच साइन इन करू शकता.", "दुसऱ्या घटकाचा कोड", "साइन इन करा", "हा दुवा वैध नाही किंवा वापरला गेला आहे. कृपया नवीन मागा.", "साइन इन झाले नाही, किंवा ते या ब्राउझरमध्ये सुरू झाले नव्हते. कृपया पुन्हा प्रयत्न करा."}},
	{"hi", linkTexts{"साइन इन करें", "यह लिंक आपको इस ब्राउज़र में एक बार साइन इन कराता है।", "दूसरे कारक का कोड", "साइन इन करें", "यह लिंक मान्य नहीं है या उपयोग हो चुका है। कृपया नया माँगें।", "साइन इन नहीं हुआ, या वह इस ब्राउज़र में शुरू नहीं हुआ था। कृपया फिर कोशिश करें।"}},
}

// linkPage answers a link that somebody opens. It only shows a button: programs that
// look at links in mails before people do must not use them up.
func (r *request) linkPage() error {
	if err := r.private(); err != nil {
		return err
	}
	token, err := r.pathParam("token")
	if err != nil {
		return err
	}
	return r.showLink(http.StatusOK, token, "", false)
}

// linkFailed shows the form again, with what was wrong.
func (r *request) linkFailed(token string, err error) error {
	p := problemOf(err)
	if p.Status >= 500 {
		return err
	}
	switch {
	case p.Parameter == "code":
		return r.showLink(p.Status, token, p.Detail, true)
	case p.Status == http.StatusUnauthorized:
		return r.showLink(p.Status, "", r.linkWords().Used, false)
	}
	return r.showLink(p.Status, token, p.Detail, false)
}

func (r *request) linkWords() *linkTexts {
	tags, _, _ := language.ParseAcceptLanguage(r.Request().Header.Get("Accept-Language")) // what cannot be read is English
	_, i, _ := linkLanguages.Match(tags...)
	return &linkWords[i].linkTexts
}

func (r *request) showLink(status int, token, problem string, code bool) error {
	words := r.linkWords()
	lang := "en"
	for i := range linkWords {
		if words == &linkWords[i].linkTexts {
			lang = linkWords[i].lang
		}
	}
	var page bytes.Buffer
	err := linkTemplate.Execute(&page, map[string]any{"Lang": lang, "T": words, "Token": token, "Code": code, "Problem": problem, "Base": r.s.base})
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(linkStyle))
	h := r.Response().Header()
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	h.Set("Referrer-Policy", "same-origin") // the address is a secret; with no-referrer a browser would name no origin either
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", h.Get("Vary")+", Accept-Language")
	return r.send(status, typeHTML, page.Bytes())
}
