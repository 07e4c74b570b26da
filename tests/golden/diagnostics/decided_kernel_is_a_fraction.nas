space s {
  input image: [3, 32, 32]
  width k in {6, 7, 10}
  y = image >> dw_conv(k = k/2)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
