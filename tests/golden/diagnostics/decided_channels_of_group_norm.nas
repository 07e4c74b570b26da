space s {
  input image: [3, 32, 32]
  width w in {32, 64}
  x = image >> conv_gn_relu(w, k = 3)
  task t = x >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
