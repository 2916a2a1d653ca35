package identity

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/pquerna/otp/hotp"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// desk is a Service with a clock that the test moves and a box for codes.
type desk struct {
	*Service
	db    *accessdb.DB
	mu    sync.Mutex
	at    time.Time
	box   chan message
	again func() *accessdb.DB // opens the database once more, as another process does
}

const password = "correct horse battery staple"

var (
	here  = Client{Address: "203.0.113.5", Agent: "Firefox"}
	there = Client{Address: "198.51.100.9", Agent: "curl"}
)

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

// Send implements Sender.
func (d *desk) Send(_ context.Context, contact, code string) error {
	d.box <- message{contact, code}
	return nil
}

func both(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "access.db")
		test(t, newDesk(t, func() (*accessdb.DB, error) { return accessdb.OpenFile(t.Context(), path, Schema) }))
	})
	t.Run("postgres", func(t *testing.T) {
		url := pgtest.Start(t)
		test(t, newDesk(t, func() (*accessdb.DB, error) { return accessdb.OpenPostgres(t.Context(), url, Schema) }))
	})
}

func newDesk(t *testing.T, open func() (*accessdb.DB, error)) *desk {
	t.Helper()
	d := &desk{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), box: make(chan message, 10)}
	d.again = func() *accessdb.DB {
		db, err := open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	d.db = d.again()
	d.Service = New(d.db, Options{Now: d.now, Sender: d})
	d.argon = &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32} // tests sign in often
	return d
}

// run runs the service until the returned function is called.
func (d *desk) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// member makes an account with the password.
func (d *desk) member(t *testing.T, name string, roles ...string) Account {
	t.Helper()
	ctx := t.Context()
	a, err := d.CreateAccount(ctx, Account{Name: name, Title: "Ms " + name, Roles: roles, Department: "roads", Wards: []string{"K/W"}})
	if err != nil {
		t.Fatal(err)
	}
	link, _, err := d.CreateLink(ctx, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := d.UseLink(ctx, link, "", "", here)
	if err != nil {
		t.Fatal(err)
	}
	who, err := d.Session(ctx, secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetPassword(ctx, who, "", password, here); err != nil {
		t.Fatal(err)
	}
	if err := d.SignOut(ctx, secret); err != nil {
		t.Fatal(err)
	}
	return a
}

func (d *desk) signIn(t *testing.T, name string, from Client) string {
	t.Helper()
	secret, err := d.SignIn(t.Context(), name, password, "", "", from)
	if err != nil {
		t.Fatalf("sign in as %s: %v", name, err)
	}
	return secret
}

// is fails unless err is target.
func is(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v, want %v", what, err, target)
	}
}

func TestSignIn(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		a := d.member(t, "asha", "officer")
		who, err := d.Session(ctx, d.signIn(t, " Asha ", here))
		if err != nil {
			t.Fatal(err)
		}
		if who.Kind != access.Account || who.ID != a.ID || who.Name != "Ms asha" || who.Department != "roads" ||
			!slices.Equal(who.Roles, []string{"officer", "public"}) || !slices.Equal(who.Wards, []string{"K/W"}) || who.Session == "" {
			t.Errorf("signed in as %+v", who)
		}
		for what, try := range map[string][2]string{
			"wrong password": {"asha", "wrong horse battery staple"}, "unknown name": {"nobody", password}, "no password": {"asha", ""},
			"a very long password": {"asha", strings.Repeat("x", 10000)},
		} {
			_, err := d.SignIn(ctx, try[0], try[1], "", "", there)
			is(t, what, err, ErrRefused)
		}
		if _, err := d.Session(ctx, "no such secret"); !errors.Is(err, ErrExpired) {
			t.Errorf("a made-up session: %v", err)
		}
		disabled := true
		if _, err := d.ChangeAccount(ctx, a.ID, AccountChange{Disabled: &disabled}); err != nil {
			t.Fatal(err)
		}
		_, err = d.SignIn(ctx, "asha", password, "", "", here)
		is(t, "disabled account", err, ErrRefused)
	})
}

// TestSessionIsNewAtEverySignIn: who planted a session in a browser before its user
// signed in has nothing after it.
func TestSessionIsNewAtEverySignIn(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		d.member(t, "asha", "officer")
		d.member(t, "mallory")
		ctx := t.Context()
		planted := d.signIn(t, "mallory", there)
		secret, err := d.SignIn(ctx, "asha", password, "", planted, here)
		if err != nil {
			t.Fatal(err)
		}
		if secret == planted {
			t.Fatal("the planted session became hers")
		}
		_, err = d.Session(ctx, planted)
		is(t, "the planted session", err, ErrExpired)
	})
}

func TestSessionsEnd(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		a := d.member(t, "asha", "officer")
		b := d.member(t, "bina", "officer")
		idle, used := d.signIn(t, "asha", here), d.signIn(t, "asha", there)
		for range 11 { // an hour apart: used, but not for ever
			d.pass(time.Hour)
			if _, err := d.Session(ctx, used); err != nil {
				t.Fatalf("a session in use ended: %v", err)
			}
		}
		_, err := d.Session(ctx, idle)
		is(t, "a session left alone", err, ErrExpired)
		d.pass(time.Hour + time.Minute)
		_, err = d.Session(ctx, used)
		is(t, "a session of twelve hours", err, ErrExpired)

		secret := d.signIn(t, "asha", here)
		sessions, err := d.Sessions(ctx, a.ID)
		if err != nil || len(sessions) != 1 || sessions[0].Address != here.Address || sessions[0].Agent != here.Agent {
			t.Fatalf("sessions %+v, %v", sessions, err)
		}
		err = d.EndSession(ctx, b.ID, sessions[0].ID)
		is(t, "ending another's session", err, catalog.ErrNotFound)
		if _, err := d.Session(ctx, secret); err != nil {
			t.Fatalf("ended by another: %v", err)
		}
		if err := d.EndSession(ctx, a.ID, sessions[0].ID); err != nil {
			t.Fatal(err)
		}
		_, err = d.Session(ctx, secret)
		is(t, "an ended session", err, ErrExpired)
	})
}

// TestRunOutSessionIsAChange: whoever still listens by a session that ran out is
// looked at anew, and nobody is where none did.
func TestRunOutSessionIsAChange(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		d.member(t, "asha", "officer")
		d.signIn(t, "asha", here)
		for _, c := range []struct {
			pass    time.Duration
			changes bool
		}{{time.Minute, false}, {SessionTime, true}, {time.Minute, false}} {
			d.pass(c.pass)
			before := d.db.Generation()
			if err := d.sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if changed := d.db.Generation() != before; changed != c.changes {
				t.Errorf("after %s more: a change %v, want %v", c.pass, changed, c.changes)
			}
		}
	})
}

// TestOtherProcessesFollow: what one process changes is so in another.
func TestOtherProcessesFollow(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		a := d.member(t, "asha", "officer")
		secret := d.signIn(t, "asha", here)
		ctx, cancel := context.WithCancel(t.Context())
		db := d.again()
		var running sync.WaitGroup
		running.Go(func() { _ = db.Run(ctx) })
		defer running.Wait()
		defer cancel()
		other := New(db, Options{Now: d.now})
		if who, err := other.Session(ctx, secret); err != nil || who.ID != a.ID {
			t.Fatalf("in another process: %+v, %v", who, err)
		}
		follow := func(what string, ok func() bool) {
			t.Helper()
			want := d.db.Generation()
			for db.Generation() != want {
				if t.Context().Err() != nil {
					t.Fatal("the test ended first")
				}
				time.Sleep(time.Millisecond)
			}
			if !ok() {
				t.Errorf("not followed: %s", what)
			}
		}
		roles := []string{"planner"}
		if _, err := d.ChangeAccount(ctx, a.ID, AccountChange{Roles: &roles}); err != nil {
			t.Fatal(err)
		}
		follow("roles", func() bool {
			who, err := other.Session(ctx, secret)
			return err == nil && slices.Contains(who.Roles, "planner")
		})
		if err := d.RemoveAccount(ctx, a.ID); err != nil {
			t.Fatal(err)
		}
		follow("removed account", func() bool { _, err := other.Session(ctx, secret); return errors.Is(err, ErrExpired) })
	})
}

func TestUseIsWrittenInTheEnd(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		a := d.member(t, "asha")
		secret := d.signIn(t, "asha", here)
		d.pass(time.Hour)
		stop := d.run(t)
		if _, err := d.Session(ctx, secret); err != nil {
			t.Fatal(err)
		}
		stop()
		other := New(d.again(), Options{Now: d.now})
		sessions, err := other.Sessions(ctx, a.ID)
		if err != nil || len(sessions) != 1 || !sessions[0].Seen.Equal(d.now()) {
			t.Errorf("another process sees %+v, %v; want it used at %v", sessions, err, d.now())
		}
		if got, err := other.Account(ctx, a.ID); err != nil || !got.LastSeen.Equal(d.now()) {
			t.Errorf("account last seen %v, %v", got.LastSeen, err)
		}
	})
}

func TestPasswords(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		d.argon = recommended
		d.member(t, "asha", "officer")
		secret, other := d.signIn(t, "asha", here), d.signIn(t, "asha", there)
		who, err := d.Session(ctx, secret)
		if err != nil {
			t.Fatal(err)
		}
		is(t, "a wrong old password", d.SetPassword(ctx, who, "wrong", "another fine password", here), ErrRefused)
		for _, bad := range []string{"", "short", "asha-asha-as", strings.Repeat("é", 600), "aaaaaaaaaaaaaaaa"} {
			var invalid *catalog.Invalid
			if err := d.SetPassword(ctx, who, password, bad, here); !errors.As(err, &invalid) {
				t.Errorf("password %.20q: %v", bad, err)
			}
		}
		if err := d.SetPassword(ctx, who, password, "another fine password", here); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Session(ctx, secret); err != nil {
			t.Errorf("the session that set it ended: %v", err)
		}
		_, err = d.Session(ctx, other)
		is(t, "another session after a new password", err, ErrExpired)
		_, err = d.SignIn(ctx, "asha", password, "", "", here)
		is(t, "the old password", err, ErrRefused)
		var kept string
		if err := d.db.QueryRow(ctx, `select password from accounts where name = 'asha'`).Scan(&kept); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(kept, "$argon2id$v=19$m=65536,t=3,p=4$") {
			t.Errorf("kept as %.32s", kept)
		}
	})
}

// TestLinkRenewsForgottenPassword: a quarter of an hour after signing in by a link
// the old password is not asked; later it is.
func TestLinkRenewsForgottenPassword(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		a := d.member(t, "asha")
		link, _, err := d.CreateLink(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := d.UseLink(ctx, link, "", "", here)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.UseLink(ctx, link, "", "", here)
		is(t, "a link used before", err, ErrRefused)
		who, err := d.Session(ctx, secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.SetPassword(ctx, who, "", "another fine password", here); err != nil {
			t.Fatal(err)
		}
		d.pass(16 * time.Minute)
		is(t, "without the old one later", d.SetPassword(ctx, who, "", "yet another password", here), ErrRefused)

		late, _, err := d.CreateLink(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.pass(LinkTime + time.Second)
		_, err = d.UseLink(ctx, late, "", "", here)
		is(t, "an old link", err, ErrRefused)
	})
}

// TestLinkIsGoodOnce: of many who use a link at the same moment one gets in.
func TestLinkIsGoodOnce(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		a := d.member(t, "asha")
		link, _, err := d.CreateLink(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var using sync.WaitGroup
		in := 0
		for range 16 {
			using.Go(func() {
				_, err := d.UseLink(t.Context(), link, "", "", here)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					in++
				} else if !errors.Is(err, ErrRefused) {
					t.Error(err)
				}
			})
		}
		using.Wait()
		if in != 1 {
			t.Errorf("%d got in", in)
		}
	})
}

func codeOf(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := hotp.GenerateCode(secret, uint64(at.Unix()/step))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestSecondFactor(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		a := d.member(t, "asha")
		who, err := d.Session(ctx, d.signIn(t, "asha", here))
		if err != nil {
			t.Fatal(err)
		}
		secret, uri, err := d.BeginSecondFactor(ctx, who, "Nagar")
		if err != nil || !strings.HasPrefix(uri, "otpauth://totp/Nagar:asha?") || !strings.Contains(uri, secret) {
			t.Fatalf("%q, %v", uri, err)
		}
		is(t, "a wrong code", d.EnableSecondFactor(ctx, who, "000000"), ErrSecondFactor)
		d.signIn(t, "asha", here) // it does not count yet
		if err := d.EnableSecondFactor(ctx, who, codeOf(t, secret, d.now())); err != nil {
			t.Fatal(err)
		}
		_, err = d.SignIn(ctx, "asha", password, "", "", here)
		is(t, "without the code", err, ErrSecondFactor)
		_, err = d.SignIn(ctx, "asha", password, codeOf(t, secret, d.now()), "", here)
		is(t, "a code used before", err, ErrSecondFactor)
		d.pass(time.Minute)
		if _, err = d.SignIn(ctx, "asha", password, codeOf(t, secret, d.now().Add(-20*time.Second)), "", here); err != nil {
			t.Errorf("a clock that is slow: %v", err)
		}
		_, err = d.SignIn(ctx, "asha", password, codeOf(t, secret, d.now().Add(5*time.Minute)), "", here)
		is(t, "a code of another time", err, ErrSecondFactor)
		_, err = d.SignIn(ctx, "asha", "wrong horse battery staple", codeOf(t, secret, d.now().Add(30*time.Second)), "", here)
		is(t, "a wrong password with a right code", err, ErrRefused)

		link, _, err := d.CreateLink(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.UseLink(ctx, link, "", "", here)
		is(t, "a link without the code", err, ErrSecondFactor)
		d.pass(2 * time.Minute)
		if _, err := d.UseLink(ctx, link, codeOf(t, secret, d.now()), "", here); err != nil {
			t.Errorf("the link with the code: %v", err)
		}
		off := false
		if got, err := d.ChangeAccount(ctx, a.ID, AccountChange{SecondFactor: &off}); err != nil || got.SecondFactor {
			t.Errorf("taken away by an administrator: %v, %v", got.SecondFactor, err)
		}
		d.signIn(t, "asha", here)
	})
}

// TestGuessingIsSlowedDown: one address waits ever longer, at most so long; who
// signs in from where they always do is not shut out by others.
func TestGuessingIsSlowedDown(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		d.member(t, "asha")
		d.signIn(t, "asha", here)
		var wait *Throttled
		for _, name := range []string{"asha", "nobody"} { // an unknown name no less
			for i := range 6 {
				_, err := d.SignIn(ctx, name, "wrong", "", "", there)
				if i < 5 && !errors.Is(err, ErrRefused) || i == 5 && (!errors.As(err, &wait) || wait.After > 2*time.Second) {
					t.Fatalf("%s, try %d: %v", name, i, err)
				}
			}
		}
		_, err := d.SignIn(ctx, "asha", password, "", "", there)
		if !errors.As(err, &wait) {
			t.Fatalf("the right password while waiting: %v", err)
		}
		d.signIn(t, "asha", here)
		last := time.Duration(0)
		for range 12 {
			d.pass(last)
			_, _ = d.SignIn(ctx, "asha", "wrong", "", "", there)
			_, err := d.SignIn(ctx, "asha", "wrong", "", "", there)
			if !errors.As(err, &wait) || wait.After < last {
				t.Fatalf("after waiting %v: %v", last, err)
			}
			last = wait.After
		}
		if last < time.Minute || last > perPair.most {
			t.Errorf("the longest wait is %v", last)
		}
		// Many addresses at one account: a new place waits, briefly; hers does not.
		for i := range 60 {
			_, _ = d.SignIn(ctx, "asha", "wrong", "", "", Client{Address: "192.0.2." + string(rune('0'+i%10)) + string(rune('0'+i/10))})
		}
		_, err = d.SignIn(ctx, "asha", password, "", "", Client{Address: "192.0.2.200"})
		if !errors.As(err, &wait) || wait.After > perAccount.most {
			t.Errorf("from a new place: %v", err)
		}
		d.signIn(t, "asha", here)
		d.pass(perAccount.most)
		d.signIn(t, "asha", Client{Address: "192.0.2.200"})
	})
}

// TestManyTriesAtOnceAreCounted: a burst does not slip through before the first is noted.
func TestManyTriesAtOnceAreCounted(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		var checked, refused int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				_, err := d.SignIn(t.Context(), "asha", "wrong", "", "", there)
				var wait *Throttled
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.As(err, &wait):
					refused++
				case errors.Is(err, ErrRefused):
					checked++
				default:
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if checked > 5 || refused < 25 {
			t.Errorf("%d passwords were checked at once", checked)
		}
	})
}

// TestHashingTakesTurns: 64 sign-ins at once hash two or four at a time.
func TestHashingTakesTurns(t *testing.T) {
	s := &Service{hashing: make(chan struct{}, 2)}
	var mu sync.Mutex
	inside, worst, busy := 0, 0, 0
	var wg sync.WaitGroup
	hold := make(chan struct{})
	for range most + 10 {
		wg.Go(func() {
			err := s.withPlace(context.Background(), func() error {
				mu.Lock()
				inside++
				worst = max(worst, inside)
				mu.Unlock()
				<-hold
				mu.Lock()
				inside--
				mu.Unlock()
				return nil
			})
			if errors.Is(err, ErrBusy) {
				mu.Lock()
				if busy++; busy == 10 {
					close(hold)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if worst > 2 || busy != 10 {
		t.Errorf("%d at once, %d turned away", worst, busy)
	}
}

func TestTokens(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		made, secret, err := d.CreateToken(ctx, Token{Title: "Rain gauge", Roles: []string{"surveyor"}, Wards: []string{"A"}, Collections: []string{"sensors"}, Expires: d.now().Add(24 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(secret, "nagar_") || len(secret) != 55 {
			t.Errorf("secret of %d signs", len(secret))
		}
		who, err := d.Token(ctx, secret)
		if err != nil || who.Kind != access.Token || who.ID != made.ID || !slices.Equal(who.Collections, []string{"sensors"}) || !slices.Equal(who.Roles, []string{"public", "surveyor"}) {
			t.Fatalf("%+v, %v", who, err)
		}
		list, err := d.Tokens(ctx)
		if err != nil || len(list) != 1 || !list[0].LastUsed.Equal(d.now()) {
			t.Errorf("%+v, %v", list, err)
		}
		_, err = d.Token(ctx, secret[:54]+"x")
		is(t, "a mistyped one", err, ErrExpired)
		_, err = d.Session(ctx, secret)
		is(t, "as a cookie", err, ErrExpired)
		d.pass(24 * time.Hour)
		_, err = d.Token(ctx, secret)
		is(t, "an old one", err, ErrExpired)

		_, second, err := d.CreateToken(ctx, Token{Title: "b", Expires: d.now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		who, err = d.Token(ctx, second)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.RemoveToken(ctx, who.ID); err != nil {
			t.Fatal(err)
		}
		_, err = d.Token(ctx, second)
		is(t, "a revoked one", err, ErrExpired)
		var invalid *catalog.Invalid
		if _, _, err := d.CreateToken(ctx, Token{Title: "c", Expires: d.now().Add(400 * 24 * time.Hour)}); !errors.As(err, &invalid) || invalid.Path != "expires" {
			t.Errorf("a token for longer than a year: %v", err)
		}
	})
}

func TestCitizens(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		defer d.run(t)()
		ask := func(contact string) string {
			t.Helper()
			if err := d.RequestCode(ctx, contact, here); err != nil {
				t.Fatal(err)
			}
			m := <-d.box
			return m.code
		}
		code := ask("+91 98200-00000")
		if len(code) != 6 {
			t.Errorf("a code of %d digits", len(code))
		}
		_, err := d.VerifyCode(ctx, "+919820000001", code, "", here)
		is(t, "for another's phone", err, ErrRefused)
		secret, err := d.VerifyCode(ctx, "+919820000000", code, "", here)
		if err != nil {
			t.Fatal(err)
		}
		who, err := d.Session(ctx, secret)
		if err != nil || who.Kind != access.Citizen || who.Contact != "+919820000000" || who.Name != "" || !slices.Equal(who.Roles, []string{"citizen", "public"}) {
			t.Errorf("%+v, %v", who, err)
		}
		_, err = d.VerifyCode(ctx, "+919820000000", code, "", here)
		is(t, "a code used before", err, ErrRefused)

		code = ask("Asha@Example.org")
		for range codeTries {
			_, err = d.VerifyCode(ctx, "asha@example.org", wrong(code), "", here)
			is(t, "a wrong code", err, ErrRefused)
		}
		_, err = d.VerifyCode(ctx, "asha@example.org", code, "", here)
		is(t, "the right code after five wrong ones", err, ErrRefused)

		code = ask("asha@example.org")
		d.pass(CodeTime)
		_, err = d.VerifyCode(ctx, "asha@example.org", code, "", here)
		is(t, "an old code", err, ErrRefused)

		var invalid *catalog.Invalid
		for _, bad := range []string{"", "98200", "asha", "a@b\r\nBcc: c@d", "Asha <asha@example.org>"} {
			if err := d.RequestCode(ctx, bad, here); !errors.As(err, &invalid) {
				t.Errorf("contact %q: %v", bad, err)
			}
		}
	})
}

func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// TestCodesAreNotSentForEver: a phone gets a few, whoever asks, and the answer is the same.
func TestCodesAreNotSentForEver(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		for range 10 {
			if err := d.RequestCode(t.Context(), "+919820000000", here); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(d.outbox); n != int(perContact.free) {
			t.Errorf("%d codes at once for one phone", n)
		}
	})
}

func TestAccountsAreChecked(t *testing.T) {
	both(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		d.member(t, "asha", "officer")
		for _, bad := range []Account{
			{Name: ""}, {Name: "a"}, {Name: "two words"}, {Name: "ASHA"}, {Name: "ok", Title: "two\nlines"},
			{Name: "ok", Roles: []string{""}}, {Name: "ok", Department: strings.Repeat("x", 300)},
		} {
			var invalid *catalog.Invalid
			if _, err := d.CreateAccount(ctx, bad); !errors.As(err, &invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		_, err := d.Account(ctx, "none")
		is(t, "no such account", err, catalog.ErrNotFound)
		is(t, "no such account to remove", d.RemoveAccount(ctx, "none"), catalog.ErrNotFound)
		_, _, err = d.CreateLink(ctx, "none")
		is(t, "a link for no account", err, catalog.ErrNotFound)
	})
}

// TestNoSecretIsKept looks for secrets in every column of every table.
func TestNoSecretIsKept(t *testing.T) {
	d := newDesk(t, func() (*accessdb.DB, error) {
		return accessdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), "access.db"), Schema)
	})
	ctx := t.Context()
	a := d.member(t, "asha")
	session := d.signIn(t, "asha", here)
	link, _, err := d.CreateLink(ctx, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := d.CreateToken(ctx, Token{Title: "t", Expires: d.now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"accounts", "sessions", "tokens", "links", "attempts", "places"} {
		rows, err := d.db.Query(ctx, `select * from `+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		cells := make([][]byte, len(columns))
		to := make([]any, len(columns))
		for i := range cells {
			to[i] = &cells[i]
		}
		for rows.Next() {
			if err := rows.Scan(to...); err != nil {
				t.Fatal(err)
			}
			for i, c := range cells {
				for _, secret := range []string{session, link, token, token[6:49], password} {
					if strings.Contains(string(c), secret) {
						t.Errorf("%s.%s holds a secret", table, columns[i])
					}
				}
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkSession(b *testing.B) {
	db, err := accessdb.OpenFile(b.Context(), filepath.Join(b.TempDir(), "access.db"), Schema)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := New(db, Options{})
	a, err := s.CreateAccount(b.Context(), Account{Name: "asha", Roles: []string{"officer"}})
	if err != nil {
		b.Fatal(err)
	}
	link, _, err := s.CreateLink(b.Context(), a.ID)
	if err != nil {
		b.Fatal(err)
	}
	secret, err := s.UseLink(b.Context(), link, "", "", here)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Session(b.Context(), secret); err != nil {
			b.Fatal(err)
		}
	}
}
