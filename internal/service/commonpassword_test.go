package service

import "testing"

func TestCommonPassword(t *testing.T) {
	for _, p := range []string{
		"password", "Password1", "P@ssw0rd", "passw0rd!", "12345678", "qwertyuiop", "1q2w3e4r5t", "iloveyou", "letmein123", "aaaaaaaa",
		"abcdefgh", "abc12345", "qwerty123", "football2020", "!!dragon!!", "dragonmaster", "monkeymonkey", "trustno1", "abcabcabc",
		"zxcvbnm1", "asdfghjkl", "19871987", "welcome1", "Sunshine99", "princess!", "0987654321", "qazwsxedc", "superman1", "starwars",
		"jennifer1", "Liverpool", "chocolate", "password123", "admin12345", "1qaz2wsx", "11111111", "baseball1",
	} {
		if !commonPassword(p) {
			t.Errorf("commonPassword(%q): got false, want true", p)
		}
	}
	for _, p := range []string{
		"correct horse battery", "tr0ub4dor&3x", "zmjq8vwt", "a long sentence nobody says", "пароль-для-меня", "😀😀 two 😀😀", "Vh7kq2Lm", "password but longer",
	} {
		if commonPassword(p) {
			t.Errorf("commonPassword(%q): got true, want false", p)
		}
	}
}
