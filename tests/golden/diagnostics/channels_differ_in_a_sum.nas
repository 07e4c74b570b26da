space s {
  input image: [3, 32, 32]
  width w in {2, 4}
  a = image >> conv_bn(w, k = 1)
  y = sum(a, image)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
