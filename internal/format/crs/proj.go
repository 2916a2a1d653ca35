//go:build cgo && !noproj

package crs

// PROJ is called directly and not through a Go binding: none of the bindings can
// forbid ballpark transformations (go-proj v11.0.0 passes its options without the
// ending NULL) or ask for the parts and units of a compound system.

/*
#cgo pkg-config: proj
#include <proj.h>
#include <stdlib.h>

// nagar_create makes a lon/lat transformation that is no ballpark, or NULL.
static PJ *nagar_create(PJ_CONTEXT *ctx, PJ *from, const char *to) {
	PJ *target = proj_create(ctx, to);
	if (!target) return NULL;
	const char *options[] = {"ALLOW_BALLPARK=NO", NULL};
	PJ *p = proj_create_crs_to_crs_from_pj(ctx, from, target, NULL, options);
	proj_destroy(target);
	if (!p) return NULL;
	PJ *n = proj_normalize_for_visualization(ctx, p);
	proj_destroy(p);
	return n;
}

// nagar_vertical_unit is the metres of one unit of the last axis of a system, 0 when unknown.
static double nagar_vertical_unit(PJ_CONTEXT *ctx, PJ *crs) {
	double f = 0;
	PJ *cs = proj_crs_get_coordinate_system(ctx, crs);
	if (!cs) return 0;
	int n = proj_cs_get_axis_count(ctx, cs);
	if (n > 0) proj_cs_get_axis_info(ctx, cs, n - 1, NULL, NULL, NULL, &f, NULL, NULL, NULL);
	proj_destroy(cs);
	return f;
}

static int nagar_axes(PJ_CONTEXT *ctx, PJ *crs) {
	PJ *cs = proj_crs_get_coordinate_system(ctx, crs);
	if (!cs) return 0;
	int n = proj_cs_get_axis_count(ctx, cs);
	proj_destroy(cs);
	return n;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unsafe"
)

// wgs84 and wgs84MSL are the targets: lon/lat, and with heights above EGM96.
const (
	wgs84    = "EPSG:4326"
	wgs84MSL = "EPSG:9707"
)

// projection holds PROJ's objects; a context is for one goroutine at a time.
type projection struct {
	ctx       *C.PJ_CONTEXT
	flat      *C.PJ  // x, y → lon, lat
	solid     *C.PJ  // x, y, z → lon, lat, metres above EGM96; nil when z is metres above sea level already
	noHeights string // why z cannot be used, "" when it can
	zUnit     float64
}

func newProj(name string, o Options) (*Transformer, error) {
	p := &projection{ctx: C.proj_context_create(), zUnit: 1}
	C.proj_log_level(p.ctx, C.PJ_LOG_NONE)
	note, err := p.open(name, o)
	if err != nil {
		p.close()
		return nil, fmt.Errorf("coordinate reference system %s: %w", clip(name), err)
	}
	return &Transformer{note: note, run: p.run, end: p.close}, nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func (p *projection) close() {
	C.proj_destroy(p.flat)
	C.proj_destroy(p.solid)
	C.proj_context_destroy(p.ctx)
	p.flat, p.solid = nil, nil
}

func (p *projection) open(name string, o Options) (note string, err error) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	source := C.proj_create(p.ctx, cname)
	if source == nil || C.proj_is_crs(source) == 0 {
		C.proj_destroy(source)
		return "", errors.New("PROJ does not know it")
	}
	defer func() { C.proj_destroy(source) }()
	source = p.unbound(source)
	horizontal, solid := source, false
	switch t := C.proj_get_type(source); {
	case t == C.PJ_TYPE_COMPOUND_CRS:
		horizontal = C.proj_crs_get_sub_crs(p.ctx, source, 0)
		defer C.proj_destroy(horizontal)
		vertical := C.proj_crs_get_sub_crs(p.ctx, source, 1)
		p.zUnit = float64(C.nagar_vertical_unit(p.ctx, vertical))
		C.proj_destroy(vertical)
		if p.zUnit <= 0 {
			p.noHeights = "the unit of its heights is not known"
		}
	case t == C.PJ_TYPE_VERTICAL_CRS || t == C.PJ_TYPE_GEOCENTRIC_CRS || t == C.PJ_TYPE_ENGINEERING_CRS || t == C.PJ_TYPE_TEMPORAL_CRS:
		return "", errors.New("it is not a system of positions on a map")
	case C.nagar_axes(p.ctx, source) == 3:
		solid = true
	}
	if p.flat, note, err = p.operation(horizontal, wgs84, o); err != nil {
		return "", err
	}
	if solid {
		var why error
		if p.solid, _, why = p.operation(source, wgs84MSL, o); why != nil {
			p.noHeights = "its ellipsoidal heights cannot be brought to mean sea level: " + why.Error()
		}
	}
	return note, nil
}

// unbound takes off a TOWGS84 that WKT1 carries when PROJ knows the system itself.
func (p *projection) unbound(source *C.PJ) *C.PJ {
	if C.proj_get_type(source) != C.PJ_TYPE_BOUND_CRS {
		return source
	}
	base := C.proj_get_source_crs(p.ctx, source)
	if base == nil || C.proj_get_id_code(base, 0) == nil {
		C.proj_destroy(base)
		return source
	}
	C.proj_destroy(source)
	return base
}

// operation is the one operation that PROJ takes at the probe.
func (p *projection) operation(source *C.PJ, target string, o Options) (*C.PJ, string, error) {
	ctarget := C.CString(target)
	defer C.free(unsafe.Pointer(ctarget))
	all := C.nagar_create(p.ctx, source, ctarget)
	if all == nil {
		return nil, "", errors.New("PROJ has no transformation to WGS 84 other than a rough guess (is a grid file missing?)")
	}
	at := C.proj_coord(C.double(o.Probe[0]), C.double(o.Probe[1]), 0, 0)
	C.proj_errno_reset(all)
	C.proj_trans(all, C.PJ_FWD, at)
	used := C.proj_trans_get_last_used_operation(all)
	if used == nil {
		return all, "", nil
	}
	C.proj_destroy(all)
	// What PROJ calls a ballpark in a name would have no accuracy either.
	info := C.proj_pj_info(used)
	what := C.GoString(info.description)
	if strings.Contains(strings.ToLower(what), "ballpark") {
		C.proj_destroy(used)
		return nil, "", errors.New("PROJ has only a rough guess (" + what + ")")
	}
	accuracy := float64(C.proj_coordoperation_get_accuracy(p.ctx, used))
	if accuracy > 0.5 {
		return used, fmt.Sprintf("coordinates were transformed to WGS 84 with an accuracy of %g m (%s)", accuracy, what), nil
	}
	return used, "", nil
}

func (p *projection) run(coords []float64, stride int) error {
	n := len(coords) / stride
	if n == 0 {
		return nil
	}
	pj := p.flat
	var z *C.double
	if stride == 3 {
		if p.noHeights != "" {
			return errors.New(p.noHeights)
		}
		if p.solid != nil {
			pj, z = p.solid, (*C.double)(&coords[2])
		}
		for i := 2; p.zUnit != 1 && i < len(coords); i += 3 {
			coords[i] *= p.zUnit
		}
	}
	size := C.size_t(stride * 8)
	zn := C.size_t(0)
	if z != nil {
		zn = C.size_t(n)
	}
	C.proj_errno_reset(pj)
	C.proj_trans_generic(pj, C.PJ_FWD, (*C.double)(&coords[0]), size, C.size_t(n), (*C.double)(&coords[1]), size, C.size_t(n), z, size, zn, nil, 0, 0)
	for i := 0; i+1 < len(coords); i += stride {
		x, y := coords[i], coords[i+1]
		if !(x >= -180.0000001 && x <= 180.0000001 && y >= -90.0000001 && y <= 90.0000001) || stride == 3 && math.IsInf(coords[i+2], 0) {
			return fmt.Errorf("position %d lies outside the area of the coordinate reference system", i/stride+1)
		}
		coords[i] = max(-180, min(180, x))
	}
	return nil
}
