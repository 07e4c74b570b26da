space lonely {
  input image: [3, 32, 32]
}
