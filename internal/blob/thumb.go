package blob

import (
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
)

const (
	// thumbSide bounds the longer side of a thumbnail, in pixels.
	thumbSide = 640
	// smallPicture is up to how many bytes a picture that is no larger than a
	// thumbnail is shown as it is.
	smallPicture = 100 << 10
	thumbQuality = 80
)

// shrink scales a picture down until its longer side is at most side, by
// averaging. It works through the picture a few rows at a time, so it needs no
// second copy of it.
func shrink(img image.Image, side int) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	dw, dh := w, h
	if longer := max(w, h); longer > side {
		dw, dh = max(w*side/longer, 1), max(h*side/longer, 1)
	}
	out := image.NewRGBA(image.Rect(0, 0, dw, dh))
	band := image.NewRGBA(image.Rect(0, 0, w, h/dh+1))
	sums := make([]uint64, 4*dw)
	for y := range dh {
		top, bottom := y*h/dh, (y+1)*h/dh
		rows := image.Rect(0, 0, w, bottom-top)
		draw.Draw(band, rows, img, image.Pt(b.Min.X, b.Min.Y+top), draw.Src)
		averageRows(out.Pix[y*out.Stride:], band, rows, dw, sums)
	}
	return out
}

// averageRows makes one row of dw pixels of some rows of a band. sums is scratch
// space of 4*dw.
func averageRows(dst []byte, band *image.RGBA, rows image.Rectangle, dw int, sums []uint64) {
	clear(sums)
	w := rows.Dx()
	for y := range rows.Dy() {
		row := band.Pix[y*band.Stride : y*band.Stride+4*w]
		for x := range dw {
			s := sums[4*x : 4*x+4]
			for i := 4 * (x * w / dw); i < 4*((x+1)*w/dw); i += 4 {
				p := row[i : i+4]
				s[0] += uint64(p[0])
				s[1] += uint64(p[1])
				s[2] += uint64(p[2])
				s[3] += uint64(p[3])
			}
		}
	}
	for x := range dw {
		n := uint64(rows.Dy()) * uint64((x+1)*w/dw-x*w/dw) //nolint:gosec // not negative
		for c := range 4 {
			dst[4*x+c] = byte((sums[4*x+c] + n/2) / n) //nolint:gosec // an average of bytes
		}
	}
}

// orient turns a picture as its EXIF orientation (1 to 8; TIFF 6.0, tag 274) asks.
func orient(img *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	dw, dh := w, h
	if orientation >= 5 {
		dw, dh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range dh {
		for x := range dw {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, h-1-x
			case 7:
				sx, sy = w-1-y, h-1-x
			case 8:
				sx, sy = w-1-y, x
			}
			copy(out.Pix[out.PixOffset(x, y):out.PixOffset(x, y)+4], img.Pix[img.PixOffset(sx, sy):img.PixOffset(sx, sy)+4])
		}
	}
	return out
}

// encodeThumb writes JPEG, or PNG where there is something transparent.
func encodeThumb(w io.Writer, img *image.RGBA) error {
	if !img.Opaque() {
		if err := png.Encode(w, img); err != nil {
			return fmt.Errorf("encode thumbnail: %w", err)
		}
		return nil
	}
	if err := jpeg.Encode(w, img, &jpeg.Options{Quality: thumbQuality}); err != nil {
		return fmt.Errorf("encode thumbnail: %w", err)
	}
	return nil
}
